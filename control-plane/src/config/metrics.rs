//! Who may read `GET /metrics`.

use std::net::IpAddr;

use pombal_store::env::{self, BadVariable};

use crate::secret::Secret;

const ON: &str = "PROMETHEUS_METRICS";
const LOGIN_REQUIRED: &str = "METRICS_AUTH_REQUIRED";
const USER: &str = "METRICS_USER";
const PASSWORD: &str = "METRICS_PASSWORD";
const ADDRESSES: &str = "METRICS_ALLOWED_IPS";

/// Who may read the metrics, which name every instance. The global key opens them always; where
/// there is neither a login nor an address, nothing else does.
#[derive(Debug, Clone, Default)]
pub struct MetricsConfig {
    /// The login to be shown, if one is required.
    pub login: Option<MetricsLogin>,
    /// The addresses to ask from; from anywhere when there is none.
    pub addresses: Vec<IpAddr>,
}

/// A user and a password for HTTP's Basic authentication.
#[derive(Debug, Clone)]
pub struct MetricsLogin {
    user: Secret,
    password: Secret,
}

impl MetricsLogin {
    /// Puts a login together.
    #[must_use]
    pub fn new(user: impl Into<Secret>, password: impl Into<Secret>) -> Self {
        Self {
            user: user.into(),
            password: password.into(),
        }
    }

    /// Whether these are the user and the password, in a time that says nothing of either.
    #[must_use]
    pub fn matches(&self, user: &[u8], password: &[u8]) -> bool {
        self.user.matches(user) & self.password.matches(password)
    }
}

/// What the environment says, before it is understood.
#[derive(Default)]
struct Given {
    on: bool,
    /// None when it is not said.
    login_required: Option<bool>,
    user: Option<String>,
    password: Option<String>,
    addresses: Option<String>,
}

impl MetricsConfig {
    /// Reads `PROMETHEUS_METRICS` and `METRICS_*`. None: there are no metrics.
    ///
    /// # Errors
    /// [`BadVariable`], also when variables contradict each other.
    pub fn from_env() -> Result<Option<Self>, BadVariable> {
        let login_required = match env::text(LOGIN_REQUIRED)? {
            Some(_) => Some(env::flag(LOGIN_REQUIRED, false)?),
            None => None,
        };
        Self::resolve(Given {
            on: env::flag(ON, false)?,
            login_required,
            user: env::text(USER)?,
            password: env::text(PASSWORD)?,
            addresses: env::text(ADDRESSES)?,
        })
    }

    fn resolve(given: Given) -> Result<Option<Self>, BadVariable> {
        let addresses = addresses(given.addresses.as_deref())?;
        if !given.on {
            return Ok(None);
        }
        let login = match given.login_required {
            Some(true) => Some(login(given.user, given.password)?),
            Some(false) => None,
            None if given.user.is_none() && given.password.is_none() => None,
            // Whoever wrote a password means it to be asked for.
            None => {
                let problem = format!("must say whether {USER} and {PASSWORD} are asked for");
                return Err(BadVariable::new(LOGIN_REQUIRED, problem));
            }
        };
        Ok(Some(Self { login, addresses }))
    }
}

fn login(user: Option<String>, password: Option<String>) -> Result<MetricsLogin, BadVariable> {
    let missing =
        |name| BadVariable::new(name, format!("is not set, but {LOGIN_REQUIRED} is true"));
    let user = user.ok_or_else(|| missing(USER))?;
    if user.contains(':') {
        let problem = "must not have a colon: Basic authentication ends the user's name there";
        return Err(BadVariable::new(USER, problem));
    }
    let password = password.ok_or_else(|| missing(PASSWORD))?;
    Ok(MetricsLogin::new(user, password))
}

/// The addresses in a list with commas between them.
fn addresses(list: Option<&str>) -> Result<Vec<IpAddr>, BadVariable> {
    let Some(list) = list else {
        return Ok(Vec::new());
    };
    let address = |text: &str| {
        let problem = || BadVariable::new(ADDRESSES, format!("{text:?} is no IP address"));
        let address: IpAddr = text.trim().parse().map_err(|_| problem())?;
        Ok(address.to_canonical())
    };
    list.split(',').map(address).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(login_required: Option<bool>, user: &str, password: &str, addresses: &str) -> Given {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Given {
            on: true,
            login_required,
            user: some(user),
            password: some(password),
            addresses: some(addresses),
        }
    }

    #[test]
    fn who_may_read_is_understood() {
        let open = MetricsConfig::resolve(given(None, "", "", ""));
        let open = open.unwrap().unwrap();
        assert!(open.login.is_none() && open.addresses.is_empty());
        let addresses = "127.0.0.1, ::1,::ffff:10.0.0.1";
        let both = MetricsConfig::resolve(given(Some(true), "ana", "a:secret", addresses));
        let both = both.unwrap().unwrap();
        let shown: Vec<_> = both.addresses.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["127.0.0.1", "::1", "10.0.0.1"]);
        let login = both.login.unwrap();
        assert!(login.matches(b"ana", b"a:secret"));
        assert!(!login.matches(b"ana", b"a"));
        assert!(!login.matches(b"bia", b"a:secret"));
        assert!(!format!("{login:?}").contains("secret\""), "{login:?}");
        // What is there for another time does not count.
        let unused = MetricsConfig::resolve(given(Some(false), "ana", "secret", ""));
        assert!(unused.unwrap().unwrap().login.is_none());
    }

    #[test]
    fn they_are_off_unless_they_are_asked_for() {
        let off = Given {
            on: false,
            ..given(Some(true), "", "", "127.0.0.1")
        };
        assert!(MetricsConfig::resolve(off).unwrap().is_none());
        assert!(MetricsConfig::resolve(Given::default()).unwrap().is_none());
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        for (login_required, user, password, addresses, variable) in [
            (Some(true), "", "secret", "", USER),
            (Some(true), "ana", "", "", PASSWORD),
            (Some(true), "a:b", "secret", "", USER),
            (None, "ana", "secret", "", LOGIN_REQUIRED),
            (None, "", "secret", "", LOGIN_REQUIRED),
            (None, "", "", "localhost", ADDRESSES),
            (None, "", "", "10.0.0.0/8", ADDRESSES),
            (None, "", "", "127.0.0.1,", ADDRESSES),
            (Some(false), "", "", "1.2.3", ADDRESSES),
        ] {
            let refused = MetricsConfig::resolve(given(login_required, user, password, addresses));
            assert_eq!(
                refused.unwrap_err().variable(),
                variable,
                "{user} {addresses}"
            );
        }
    }
}
