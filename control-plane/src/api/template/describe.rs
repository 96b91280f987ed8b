//! The template controller, described.

use serde_json::{Value, json};
use utoipa::ToSchema;

use super::refusal::TemplateError;
use super::reply::TemplateReply;
use crate::api::openapi::{Delete, Document, Get, Operation, Post, business};

#[derive(ToSchema)]
#[schema(rename_all = "SCREAMING_SNAKE_CASE")]
#[expect(dead_code, reason = "only its schema is used")]
enum Category {
    Authentication,
    Marketing,
    Utility,
}

/// A template to make.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "only its schema is used")]
struct CreateTemplateBody {
    #[schema(max_length = 512)]
    name: String,
    category: Category,
    /// Its code: `pt_BR`.
    #[schema(max_length = 512)]
    language: String,
    /// As Meta wants them.
    components: Vec<Value>,
    /// Meta may put it into another category.
    allow_category_change: Option<bool>,
    /// Who wants to hear of its status.
    webhook_url: Option<String>,
}

/// A change of a template. What is left out stays.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "only its schema is used")]
struct EditTemplateBody {
    /// Meta's id of it. It may be a number, too.
    template_id: String,
    category: Option<Category>,
    /// As Meta wants them.
    components: Option<Vec<Value>>,
    /// Meta may put it into another category.
    allow_category_change: Option<bool>,
    /// For how long a message of it is tried, in seconds.
    ttl: Option<i64>,
    /// Who wants to hear of its status.
    webhook_url: Option<String>,
}

/// A template to delete: in all its languages, unless an id says in which.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "only its schema is used")]
struct DeleteTemplateBody {
    #[schema(min_length = 1, max_length = 512)]
    name: String,
    /// Meta's id of one of its languages. It may be a number, too.
    hsm_id: Option<String>,
}

/// A template as Meta shows it. There may be more.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct MetaTemplate {
    id: Option<String>,
    name: Option<String>,
    language: Option<String>,
    category: Option<String>,
    status: Option<String>,
    components: Option<Vec<Value>>,
}

/// What Meta answers. There may be more.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct MetaDone {
    success: Option<bool>,
}

pub(in crate::api) fn describe(document: &mut Document) {
    let components = json!([{ "type": "BODY", "text": "Oi {{1}}!" }]);
    let plain = json!({
        "name": "hello", "category": "UTILITY", "language": "pt_BR", "components": components,
    });
    let mut full = plain.clone();
    full["allowCategoryChange"] = json!(true);
    full["webhookUrl"] = json!("https://hooks.example.com/templates");
    let create = business("Make a template")
        .body::<CreateTemplateBody>(&[("plain", plain), ("with everything", full)])
        .answers::<TemplateReply>(201, "It waits for Meta to approve it.");
    document.at([Post], "/template/create/{name}", refusable(create));
    let find = business("List templates")
        .about("All of the account, whoever has made them.")
        .answers_list::<MetaTemplate>(200, "As Meta lists them.");
    document.at([Get], "/template/find/{name}", refusable(find));
    let change = json!({
        "templateId": "1", "category": "UTILITY", "components": components,
        "allowCategoryChange": true, "ttl": 3600,
        "webhookUrl": "https://hooks.example.com/templates",
    });
    let edit = business("Change a template")
        .body::<EditTemplateBody>(&[
            (
                "a new text",
                json!({ "templateId": "1", "components": components }),
            ),
            ("with everything", change),
        ])
        .answers::<MetaDone>(200, "What Meta says.");
    document.at([Post], "/template/edit/{name}", refusable(edit));
    let delete = business("Delete a template")
        .body::<DeleteTemplateBody>(&[
            ("in all languages", json!({ "name": "greeting" })),
            ("in one", json!({ "name": "greeting", "hsmId": "1" })),
        ])
        .answers::<MetaDone>(200, "What Meta says.");
    document.at([Delete], "/template/delete/{name}", refusable(delete));
}

fn refusable(operation: Operation) -> Operation {
    operation.refuses_or::<TemplateError>(
        "TemplateRefused",
        400,
        "Meta refuses it or can't be asked, the request is not as it should be, or the instance is \
         none of the Cloud API.",
        json!(["Method not available in the Baileys service"]),
        json!({
            "status": 400,
            "error": "Bad Request",
            "message": "There is already content in this language for this template.",
            "details": {
                "whatsapp_error": "(#100) Invalid parameter",
                "whatsapp_code": 100,
                "error_user_title": "Content in this language already exists",
                "error_user_msg": "There is already content in this language for this template.",
                "error_type": "OAuthException",
                "error_subcode": 2_388_024,
                "fbtrace_id": "AbCdEfGh",
                "context": "template_creation",
                "type": "whatsapp_api_error",
            },
            "timestamp": "2026-01-31T12:00:00.000Z",
        }),
    )
}
