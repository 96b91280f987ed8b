//! Shows an instance's QR code in the terminal.

use std::error::Error;
use std::time::Duration;

use qrcode::render::unicode;
use qrcode::{EcLevel, QrCode};
use serde::Deserialize;
use url::Url;

use crate::cli::{QrArgs, ServeArgs};
use crate::{api_key, evolution};

/// Pause between two looks at the code.
const POLL: Duration = Duration::from_secs(2);

/// What `connect` answers, as far as it matters here.
#[derive(Debug, Deserialize)]
struct Connect {
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    instance: Option<State>,
}

#[derive(Debug, Deserialize)]
struct State {
    state: String,
}

/// Prints the code, and each one that replaces it, until the instance is open.
#[expect(clippy::print_stdout, reason = "printing is what it is for")]
pub(crate) async fn run(args: QrArgs, serve: &ServeArgs) -> Result<(), Box<dyn Error>> {
    let key = api_key::load(&serve.data_dir)?
        .ok_or("no API key: set AUTHENTICATION_API_KEY, or --data-dir to the server's own")?;
    let mut url = Url::parse(&format!("http://{}", evolution::listen(serve.listen)?))?;
    url.path_segments_mut()
        .map_err(|()| "the address has no path")?
        .extend(["instance", "connect", &args.instance]);
    let client = reqwest::Client::builder().no_proxy().build()?;
    let mut shown = String::new();
    loop {
        let response = client
            .get(url.clone())
            .header("apikey", key.expose())
            .send()
            .await?;
        let status = response.status();
        let body = response.text().await?;
        if !status.is_success() {
            return Err(format!("the server answered {status}: {body}").into());
        }
        let connect: Connect = serde_json::from_str(&body)?;
        if connect
            .instance
            .is_some_and(|instance| instance.state == "open")
        {
            println!("{} is open.", args.instance);
            return Ok(());
        }
        if let Some(code) = connect.code.filter(|code| *code != shown) {
            println!("{}", draw(&code)?);
            println!("On the phone: WhatsApp > Linked devices > Link a device.");
            shown = code;
        }
        tokio::time::sleep(POLL).await;
    }
}

/// The code in half blocks: two rows of modules per line of text.
fn draw(code: &str) -> Result<String, qrcode::types::QrError> {
    // Level L is the smallest, and a screen has no scratches.
    let code = QrCode::with_error_correction_level(code, EcLevel::L)?;
    Ok(code
        .render::<unicode::Dense1x2>()
        .dark_color(unicode::Dense1x2::Light)
        .light_color(unicode::Dense1x2::Dark)
        .build())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_drawn_in_half_blocks() {
        let text = draw("2@abc,noise,identity,secret,1").unwrap();
        assert!(text.lines().count() > 10);
        assert!(
            text.chars()
                .all(|c| matches!(c, ' ' | '█' | '▀' | '▄' | '\n'))
        );
    }
}
