//! What the controllers say, put together.

use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{
    HttpMethod, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, Paths, ServerBuilder, Tag,
};

use super::named::Components;
use super::operation::Operation;

/// The name of the one way to show a key.
pub(super) const KEY: &str = "apikey";
/// The name of the way to show a user and a password.
pub(super) const LOGIN: &str = "login";
const DESCRIPTION: &str = "\
Keeps connections to WhatsApp, with the REST contract of Evolution API 2.x.

Show the global key, or the token of the instance that the path names, in the header `apikey`. \
Bodies are JSON, urlencoded or multipart; a field that is `null` is one that was left out, and an \
unknown one is ignored. Paths may end with a slash, and their fixed parts may be in any case. \
Every error has the shape of `Error`.";

/// The routes so far, and what they refer to.
pub(in crate::api) struct Document {
    paths: Paths,
    components: Components,
    tags: Vec<Tag>,
}

impl Document {
    pub(super) fn new() -> Self {
        Self {
            paths: Paths::new(),
            components: Components::default(),
            tags: Vec::new(),
        }
    }

    /// Begins a chapter: routes from here on belong to it.
    pub(in crate::api) fn chapter(&mut self, name: &str, about: &str) {
        let tag = TagBuilder::new().name(name).description(Some(about));
        self.tags.push(tag.build());
    }

    /// Describes the route `template`, as it stands in the table of routes, for `methods`.
    pub(in crate::api) fn at<const N: usize>(
        &mut self,
        methods: [HttpMethod; N],
        template: &str,
        operation: Operation,
    ) {
        let chapter = self.tags.last().map(|tag| tag.name.clone());
        let (builder, named) = operation.into_parts(template);
        self.components.add(named);
        let described = builder.build();
        for method in methods {
            let mut operation = described.clone();
            operation.operation_id = Some(operation_id(&method, template));
            operation.tags = chapter.clone().map(|chapter| vec![chapter]);
            self.paths
                .add_path_operation(template, vec![method], operation);
        }
    }

    pub(super) fn finish(self) -> OpenApi {
        let licence = LicenseBuilder::new().name("MIT OR Apache-2.0");
        let info = InfoBuilder::new()
            .title("Pombal")
            .version(env!("CARGO_PKG_VERSION"))
            .description(Some(DESCRIPTION))
            .license(Some(licence.identifier(Some("MIT OR Apache-2.0")).build()));
        let key = ApiKeyValue::with_description(
            "apikey",
            "The global key, or the token of one instance.",
        );
        let components = self
            .components
            .into_builder()
            .security_scheme(KEY, SecurityScheme::ApiKey(ApiKey::Header(key)))
            .security_scheme(
                LOGIN,
                SecurityScheme::Http(Http::new(HttpAuthScheme::Basic)),
            );
        OpenApiBuilder::new()
            .info(info.build())
            // Wherever the document came from.
            .servers(Some([ServerBuilder::new().url("/").build()]))
            .paths(self.paths)
            .components(Some(components.build()))
            .tags(Some(self.tags))
            .build()
    }
}

/// `GET /a/b/{c}` is `getABByC`: unique, and a name that generated clients can have.
fn operation_id(method: &HttpMethod, template: &str) -> String {
    let mut id = match method {
        HttpMethod::Get => "get",
        HttpMethod::Put => "put",
        HttpMethod::Delete => "delete",
        _ => "post",
    }
    .to_owned();
    for part in template
        .split(['/', '-', '.'])
        .filter(|part| !part.is_empty())
    {
        let (by, word) = match part.strip_prefix('{') {
            Some(name) => ("By", name.trim_end_matches('}')),
            None => ("", part),
        };
        id.push_str(by);
        let mut letters = word.chars();
        id.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        id.push_str(letters.as_str());
    }
    id
}
