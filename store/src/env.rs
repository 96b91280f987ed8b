//! Settings from the environment: how every role reads them. What they mean is told by small
//! structs next to the code that they configure.

use std::env;
use std::str::FromStr;

use url::Url;

/// A variable has a value that can't be used.
#[derive(Debug, thiserror::Error)]
#[error("{variable}: {problem}")]
pub struct BadVariable {
    variable: &'static str,
    problem: String,
}

impl BadVariable {
    /// Says what is wrong with `variable`.
    #[must_use]
    pub fn new(variable: &'static str, problem: impl Into<String>) -> Self {
        Self {
            variable,
            problem: problem.into(),
        }
    }

    /// The variable's name.
    #[must_use]
    pub fn variable(&self) -> &'static str {
        self.variable
    }
}

/// The value of `variable` without spaces around it; empty counts as unset.
///
/// # Errors
/// When it is not UTF-8.
pub fn text(variable: &'static str) -> Result<Option<String>, BadVariable> {
    match env::var(variable) {
        Ok(value) if value.trim().is_empty() => Ok(None),
        Ok(value) => Ok(Some(value.trim().to_owned())),
        Err(env::VarError::NotPresent) => Ok(None),
        Err(env::VarError::NotUnicode(_)) => Err(BadVariable::new(variable, "not valid UTF-8")),
    }
}

/// The value of `variable`, which must be set.
///
/// # Errors
/// When it is not set, or not UTF-8.
pub fn required(variable: &'static str) -> Result<String, BadVariable> {
    text(variable)?.ok_or_else(|| BadVariable::new(variable, "is not set"))
}

/// The number in `variable`, or `default`.
///
/// # Errors
/// When it is no number of this kind.
pub fn parse<T: FromStr>(variable: &'static str, default: T) -> Result<T, BadVariable> {
    match text(variable)? {
        None => Ok(default),
        Some(value) => value
            .parse()
            .map_err(|_| BadVariable::new(variable, format!("{value:?} is no number"))),
    }
}

/// The number in `variable`, or `default`; 0 is refused.
///
/// # Errors
/// When it is no number of this kind, or 0.
pub fn at_least_one<T: FromStr + Default + PartialEq>(
    variable: &'static str,
    default: T,
) -> Result<T, BadVariable> {
    let number = parse(variable, default)?;
    if number == T::default() {
        return Err(BadVariable::new(variable, "must be at least 1"));
    }
    Ok(number)
}

/// `true` or `false` in `variable`, or `default`.
///
/// # Errors
/// When it is something else.
pub fn flag(variable: &'static str, default: bool) -> Result<bool, BadVariable> {
    match text(variable)?.as_deref() {
        None => Ok(default),
        Some("true") => Ok(true),
        Some("false") => Ok(false),
        Some(other) => Err(BadVariable::new(
            variable,
            format!("{other:?} is neither \"true\" nor \"false\""),
        )),
    }
}

/// The colour `#rrggbb` in `variable`, or `default`.
///
/// # Errors
/// When it has another form.
pub fn color(variable: &'static str, default: [u8; 3]) -> Result<[u8; 3], BadVariable> {
    let Some(value) = text(variable)? else {
        return Ok(default);
    };
    let mut rgb = [0; 3];
    match value
        .strip_prefix('#')
        .map(|digits| hex::decode_to_slice(digits, &mut rgb))
    {
        Some(Ok(())) => Ok(rgb),
        _ => Err(BadVariable::new(
            variable,
            format!("{value:?} is not of the form #rrggbb"),
        )),
    }
}

/// The `http://` or `https://` address in `variable`, as it is written there.
///
/// # Errors
/// When it has another scheme, or none, or no host.
pub fn address(variable: &'static str) -> Result<Option<String>, BadVariable> {
    let Some(value) = text(variable)? else {
        return Ok(None);
    };
    if is_web_address(&value) {
        return Ok(Some(value));
    }
    Err(BadVariable::new(
        variable,
        format!("{value:?} is no address that begins with http:// or https://"),
    ))
}

fn is_web_address(text: &str) -> bool {
    Url::parse(text)
        .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.host().is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_scheme_of_the_web_and_a_host() {
        for good in ["http://127.0.0.1:8080", "https://gateway.test/api/"] {
            assert!(is_web_address(good), "{good}");
        }
        // `localhost:8080` is an address of the scheme `localhost`.
        for bad in ["gateway.test", "localhost:8080", "ftp://a", "http://", "/"] {
            assert!(!is_web_address(bad), "{bad}");
        }
    }

    #[test]
    fn what_is_not_set_is_named() {
        let missing = required("POMBAL_TEST_OF_NOTHING").unwrap_err();
        assert_eq!(missing.variable(), "POMBAL_TEST_OF_NOTHING");
        assert_eq!(missing.to_string(), "POMBAL_TEST_OF_NOTHING: is not set");
        assert_eq!(at_least_one("POMBAL_TEST_OF_NOTHING", 7).unwrap(), 7);
        assert!(at_least_one("POMBAL_TEST_OF_NOTHING", 0).is_err());
    }
}
