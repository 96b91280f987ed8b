//! QR codes as PNG.

use std::io::Cursor;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::{ExtendedColorType, ImageEncoder, Rgb, RgbImage};
use qrcode::{EcLevel, QrCode};

/// Modules of white around the code, and pixels per module: contract § 2.2.
const MARGIN: u32 = 3;
const SCALE: u32 = 4;

/// A code could not be drawn.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("the code does not fit in a QR code")]
    Encode(#[from] qrcode::types::QrError),
    #[error("the PNG could not be written")]
    Png(#[from] image::ImageError),
}

/// `text` as a QR code: a PNG in a `data:` URL. Level H, as far as the text fits.
pub(crate) fn data_url(text: &str, dark: [u8; 3]) -> Result<String, Error> {
    let code = QrCode::with_error_correction_level(text, EcLevel::H)
        .or_else(|_| QrCode::with_error_correction_level(text, EcLevel::L))?;
    let modules = u32::try_from(code.width()).unwrap_or(u32::MAX);
    let side = (modules + 2 * MARGIN) * SCALE;
    let colors = code.to_colors();
    let image = RgbImage::from_fn(side, side, |x, y| {
        let (column, row) = (
            (x / SCALE).wrapping_sub(MARGIN),
            (y / SCALE).wrapping_sub(MARGIN),
        );
        let inside = column < modules && row < modules;
        let is_dark =
            inside && colors.get((row * modules + column) as usize) == Some(&qrcode::Color::Dark);
        if is_dark { Rgb(dark) } else { Rgb([0xff; 3]) }
    });
    let mut png = Cursor::new(Vec::new());
    image::codecs::png::PngEncoder::new(&mut png).write_image(
        image.as_raw(),
        side,
        side,
        ExtendedColorType::Rgb8,
    )?;
    Ok(format!(
        "data:image/png;base64,{}",
        STANDARD.encode(png.into_inner())
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_png_holds_the_modules_of_the_code() {
        let text = "2@abc,bm9pc2U=,aWRlbnRpdHk=,c2VjcmV0,1";
        let url = data_url(text, [0x19, 0x87, 0x54]).unwrap();
        let png = STANDARD
            .decode(url.strip_prefix("data:image/png;base64,").unwrap())
            .unwrap();
        let image = image::load_from_memory(&png).unwrap().to_rgb8();
        let code = QrCode::with_error_correction_level(text, EcLevel::H).unwrap();
        let modules = code.width() as u32;
        assert_eq!(image.width(), (modules + 2 * MARGIN) * SCALE);
        for y in 0..modules {
            for x in 0..modules {
                let pixel = image.get_pixel((x + MARGIN) * SCALE, (y + MARGIN) * SCALE);
                let dark = code[(x as usize, y as usize)] == qrcode::Color::Dark;
                assert_eq!(pixel.0 == [0x19, 0x87, 0x54], dark, "{x},{y}");
            }
        }
        assert_eq!(image.get_pixel(0, 0).0, [0xff; 3]);
    }
}
