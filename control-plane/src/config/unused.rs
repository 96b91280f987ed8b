//! After how long an instance that nobody uses is deleted.

use std::time::Duration;

use pombal_store::env::{self, BadVariable};

const DEL_INSTANCE: &str = "DEL_INSTANCE";

/// `DEL_INSTANCE`: after how long an instance is deleted that is closed, has no account, and of
/// which nobody wants anything. None: never.
///
/// # Errors
/// [`BadVariable`] when it is neither `false` nor a number of minutes.
pub fn delete_unused_after() -> Result<Option<Duration>, BadVariable> {
    parse(env::text(DEL_INSTANCE)?.as_deref())
}

fn parse(text: Option<&str>) -> Result<Option<Duration>, BadVariable> {
    let text = match text {
        None | Some("false") => return Ok(None),
        Some(text) => text,
    };
    match text.parse::<u32>() {
        Ok(minutes) if minutes > 0 => Ok(Some(Duration::from_secs(u64::from(minutes) * 60))),
        _ => {
            let problem = format!("{text:?} is neither \"false\" nor a number of minutes");
            Err(BadVariable::new(DEL_INSTANCE, problem))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_false_or_minutes() {
        assert_eq!(parse(None).unwrap(), None);
        assert_eq!(parse(Some("false")).unwrap(), None);
        let five = Some(Duration::from_secs(300));
        assert_eq!(parse(Some("5")).unwrap(), five);
        for bad in ["0", "true", "False", "-5", "5m", "2.5", "99999999999"] {
            assert_eq!(
                parse(Some(bad)).unwrap_err().variable(),
                DEL_INSTANCE,
                "{bad}"
            );
        }
    }
}
