//! Whether a text is one emoji, as a reaction must be.
//!
//! Unicode Technical Standard #51, ED-17: the sequences that are displayed as one emoji.
//! <https://unicode.org/reports/tr51/#def_emoji_sequence>

use std::iter::Peekable;
use std::str::Chars;

const VARIATION: char = '\u{fe0f}';
const KEYCAP: char = '\u{20e3}';
const JOINER: char = '\u{200d}';

/// Whether `text` is one emoji.
pub(super) fn is_one(text: &str) -> bool {
    let mut chars = text.chars().peekable();
    element(&mut chars) && joined(&mut chars) && chars.next().is_none()
}

/// What follows an element: joiners, each with another element.
fn joined(chars: &mut Peekable<Chars<'_>>) -> bool {
    while chars.next_if_eq(&JOINER).is_some() {
        if !element(chars) {
            return false;
        }
    }
    true
}

/// A flag, a keycap, or a character with what modifies it.
fn element(chars: &mut Peekable<Chars<'_>>) -> bool {
    match chars.next() {
        Some('\u{1f1e6}'..='\u{1f1ff}') => chars
            .next_if(|c| matches!(c, '\u{1f1e6}'..='\u{1f1ff}'))
            .is_some(),
        Some('0'..='9' | '#' | '*') => {
            chars.next_if_eq(&VARIATION);
            chars.next_if_eq(&KEYCAP).is_some()
        }
        Some(c) if is_base(c) => {
            chars.next_if_eq(&VARIATION);
            chars.next_if(|c| matches!(c, '\u{1f3fb}'..='\u{1f3ff}'));
            // Flags of regions are spelled by tags.
            while chars
                .next_if(|c| matches!(c, '\u{e0020}'..='\u{e007f}'))
                .is_some()
            {}
            true
        }
        _ => false,
    }
}

/// The blocks that hold emoji. Some of their characters are symbols only; WhatsApp takes these.
fn is_base(c: char) -> bool {
    matches!(c,
        '\u{a9}' | '\u{ae}' | '\u{203c}' | '\u{2049}' | '\u{2122}' | '\u{2139}'
        | '\u{2190}'..='\u{21ff}' | '\u{2300}'..='\u{23ff}' | '\u{24c2}'
        | '\u{25a0}'..='\u{27bf}' | '\u{2900}'..='\u{297f}' | '\u{2b00}'..='\u{2bff}'
        | '\u{3030}' | '\u{303d}' | '\u{3297}' | '\u{3299}'
        | '\u{1f000}'..='\u{1f1e5}' | '\u{1f200}'..='\u{1faff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_emoji_and_nothing_else() {
        for one in [
            "👍",
            "❤️",
            "❤",
            "👍🏽",
            "👨‍👩‍👧",
            "🇧🇷",
            "1️⃣",
            "🏴󠁧󠁢󠁥󠁮󠁧󠁿",
            "☕",
            "👩🏽‍🚀",
            "🏳️‍🌈",
        ] {
            assert!(is_one(one), "{one}");
        }
        for not in [
            "",
            "a",
            "👍👍",
            "👍a",
            "1",
            "🇧",
            " 👍",
            "ok",
            "👍\u{200d}",
            "é",
        ] {
            assert!(!is_one(not), "{not}");
        }
    }
}
