//! Express' idea of paths: literals in any case, one slash at the end allowed.

use std::borrow::Cow;

use axum::extract::Request;
use axum::http::Uri;
use axum::http::uri::PathAndQuery;

/// Rewrites a request's path to the spelling of the template that it means.
#[derive(Clone, Default)]
pub(super) struct Spelling {
    templates: Vec<Cow<'static, str>>,
}

impl Spelling {
    /// Remembers a template such as `/instance/connect/{name}`.
    pub(super) fn learn(&mut self, template: impl Into<Cow<'static, str>>) {
        self.templates.push(template.into());
    }

    /// Every template so far.
    pub(super) fn templates(self) -> Vec<String> {
        self.templates.into_iter().map(Cow::into_owned).collect()
    }

    /// The request with its path in the known spelling. Unknown paths stay as they are.
    pub(super) fn correct(&self, mut req: Request) -> Request {
        if let Some(uri) = self.corrected(req.uri()) {
            *req.uri_mut() = uri;
        }
        req
    }

    fn corrected(&self, uri: &Uri) -> Option<Uri> {
        let path = uri.path();
        let trimmed = path.strip_suffix('/').unwrap_or(path);
        let template = self.templates.iter().find(|t| matches(t, trimmed))?;
        let spelled = spell(template, trimmed);
        if spelled == path {
            return None;
        }
        let full = match uri.query() {
            Some(query) => format!("{spelled}?{query}"),
            None => spelled,
        };
        let mut parts = uri.clone().into_parts();
        parts.path_and_query = Some(PathAndQuery::try_from(full).ok()?);
        Uri::from_parts(parts).ok()
    }
}

/// Whether `path` is one of `template`, but for the case of literals.
fn matches(template: &str, path: &str) -> bool {
    let mut actual = path.split('/').skip(1);
    let mut wanted = template.split('/').skip(1);
    let all = wanted.all(|wanted| match actual.next() {
        Some(part) if wanted.starts_with('{') => !part.is_empty(),
        Some(part) => part.eq_ignore_ascii_case(wanted),
        None => false,
    });
    all && actual.next().is_none()
}

/// `path`, which matches `template`, with the literals of the latter.
fn spell(template: &str, path: &str) -> String {
    let mut spelled = String::with_capacity(path.len());
    for (wanted, actual) in template.split('/').zip(path.split('/')).skip(1) {
        spelled.push('/');
        spelled.push_str(if wanted.starts_with('{') {
            actual
        } else {
            wanted
        });
    }
    spelled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_ignore_case_and_names_keep_it() {
        let mut spelling = Spelling::default();
        spelling.learn("/instance/connectionState/{name}");
        spelling.learn("/instance/create");
        let fixed = |uri: &str| {
            let uri: Uri = uri.parse().unwrap();
            spelling.corrected(&uri).unwrap_or(uri).to_string()
        };
        for (uri, wanted) in [
            (
                "/INSTANCE/ConnectionState/Bob",
                "/instance/connectionState/Bob",
            ),
            (
                "/instance/connectionstate/a%2Fb/?x=/Y",
                "/instance/connectionState/a%2Fb?x=/Y",
            ),
            ("/Instance/Create/", "/instance/create"),
            ("/instance/create//", "/instance/create//"),
            ("//instance/create", "//instance/create"),
            ("/Instance/connectionState//", "/Instance/connectionState//"),
            ("/Instance/connectionState/", "/Instance/connectionState/"),
            ("/Nope/X", "/Nope/X"),
        ] {
            assert_eq!(fixed(uri), wanted);
        }
    }
}
