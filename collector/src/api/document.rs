//! All routes, and their description as OpenAPI.

use axum::{Router, http::header, response::IntoResponse as _};
use utoipa::openapi::{
    ComponentsBuilder, HttpMethod, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder,
    path::OperationBuilder,
    security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
};

use super::{
    ApiState, agents, api_tokens,
    auth::Access,
    changes, collector, cookie, drifts, edit, environment_rules, environments, identity, join_tokens,
    lists::{self, plain},
    matches, monitor, mutate, nested, operations, places,
    routes::{BEARER, COOKIE, Routes},
    samples, schema, search, web_session,
};
use crate::{admin::Role, edit::forms, query};

const ABOUT: &str = "The inventory that Orchestrix discovery keeps, and what people decide about it.\n\n\
    Send `Authorization: Bearer TOKEN`; a collector's first start writes an admin token to `admin.token` in its data \
    folder. Roles: viewer, operator, admin; each route names the least it needs.\n\n\
    Lists are `{\"items\": [...], \"next\": cursor or null, \"sequence\": n}`. Pass `next` as `cursor` for the next page. \
    Every change up to `sequence` is contained; `/api/v1/changes?since=` continues from there. Filters match exactly; \
    a repeated one matches any of its values.\n\n\
    `null` means not known. Times are RFC 3339 in UTC. Errors are `application/problem+json` with a stable `code`.";

/// Enters every route.
fn routes(state: Option<ApiState>) -> Routes {
    let mut routes = Routes::new(state);
    let viewer = Access::Role(Role::Viewer);
    lists::enter::<query::Partner>(&mut routes, viewer);
    lists::enter::<query::Cloud>(&mut routes, viewer);
    lists::enter::<query::Region>(&mut routes, viewer);
    lists::enter::<query::AvailabilityZone>(&mut routes, viewer);
    lists::enter::<query::Datacenter>(&mut routes, viewer);
    lists::enter::<query::NetworkDevice>(&mut routes, viewer);
    lists::enter::<query::ResourcePool>(&mut routes, viewer);
    lists::enter::<query::Compute>(&mut routes, viewer);
    lists::enter::<query::ComputeSummary>(&mut routes, viewer);
    lists::enter::<query::Container>(&mut routes, viewer);
    lists::enter::<query::Environment>(&mut routes, viewer);
    lists::enter::<query::EnvironmentAssociation>(&mut routes, viewer);
    lists::enter::<query::Workload>(&mut routes, viewer);
    lists::enter::<query::Tag>(&mut routes, viewer);
    lists::enter::<query::Capability>(&mut routes, viewer);
    lists::enter::<query::AutomationTarget>(&mut routes, viewer);
    lists::enter::<query::Agent>(&mut routes, viewer);
    lists::enter::<query::K8sCluster>(&mut routes, viewer);
    lists::enter::<query::K8sNamespace>(&mut routes, viewer);
    lists::enter::<query::K8sNode>(&mut routes, viewer);
    lists::enter::<query::K8sService>(&mut routes, viewer);
    lists::enter::<query::K8sIngress>(&mut routes, viewer);
    lists::enter::<query::Match>(&mut routes, viewer);
    lists::enter::<query::HistoryEntry>(&mut routes, viewer);
    lists::enter::<query::JoinToken>(&mut routes, Access::Role(Role::Operator));
    lists::enter::<query::AuditEntry>(&mut routes, Access::Role(Role::Admin));
    lists::enter::<query::ApiToken>(&mut routes, Access::Role(Role::Admin));
    edit::enter::<query::Partner>(&mut routes, &forms::PARTNER);
    edit::enter::<query::Cloud>(&mut routes, &forms::CLOUD);
    edit::enter::<query::Region>(&mut routes, &forms::REGION);
    edit::enter::<query::AvailabilityZone>(&mut routes, &forms::AVAILABILITY_ZONE);
    edit::enter::<query::Datacenter>(&mut routes, &forms::DATACENTER);
    edit::enter::<query::NetworkDevice>(&mut routes, &forms::NETWORK_DEVICE);
    edit::enter::<query::ResourcePool>(&mut routes, &forms::RESOURCE_POOL);
    edit::enter::<query::Compute>(&mut routes, &forms::COMPUTE);
    edit::enter::<query::Container>(&mut routes, &forms::CONTAINER);
    edit::enter::<query::Environment>(&mut routes, &forms::ENVIRONMENT);
    edit::enter::<query::EnvironmentAssociation>(&mut routes, &forms::ENVIRONMENT_ASSOCIATION);
    edit::enter::<query::Tag>(&mut routes, &forms::TAG);
    edit::enter::<query::Capability>(&mut routes, &forms::CAPABILITY);
    edit::enter::<query::AutomationTarget>(&mut routes, &forms::AUTOMATION_TARGET);
    agents::enter(&mut routes);
    join_tokens::enter(&mut routes);
    matches::enter(&mut routes);
    lists::enter::<query::JunkValue>(&mut routes, viewer);
    identity::enter(&mut routes);
    lists::enter::<query::Operation>(&mut routes, viewer);
    operations::enter(&mut routes);
    lists::enter::<query::Drift>(&mut routes, viewer);
    drifts::enter(&mut routes);
    nested::enter(&mut routes);
    places::enter(&mut routes);
    samples::enter(&mut routes);
    search::enter(&mut routes);
    mutate::enter(&mut routes);
    api_tokens::enter(&mut routes);
    changes::enter(&mut routes);
    environment_rules::enter(&mut routes);
    environments::enter(&mut routes);
    monitor::enter(&mut routes);
    web_session::enter(&mut routes);
    collector::enter(&mut routes);
    routes
}

/// The router with the description of all it holds.
pub(super) fn described(state: Option<ApiState>) -> (Router<ApiState>, OpenApi) {
    let mut routes = routes(state);
    let operation = OperationBuilder::new()
        .tag("monitoring")
        .operation_id(Some("openapi"))
        .summary(Some("This description"))
        .response("200", plain("It."));
    let path = "/api/v1/openapi.json";
    // The description must contain its own route, so the handler gets the text afterwards.
    let text = std::sync::Arc::new(std::sync::OnceLock::<String>::new());
    let shown = text.clone();
    routes.add(HttpMethod::Get, path, Access::Public, operation, async move || {
        ([(header::CONTENT_TYPE, "application/json")], shown.get().cloned().unwrap_or_default()).into_response()
    });
    let openapi = document(&routes);
    let written = openapi.to_json().unwrap_or_else(|error| {
        tracing::error!(%error, "description of the API cannot be written");
        String::new()
    });
    let _ = text.set(written);
    (routes.into_router(), openapi)
}

/// Describes the API.
#[must_use]
pub fn openapi() -> OpenApi {
    described(None).1
}

fn document(routes: &Routes) -> OpenApi {
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some("An API token.")).build();
    let about = "A session of the web UI; requests that change something also carry X-CSRF-Token.";
    let session = ApiKeyValue::with_description(cookie::PLAIN, about);
    let info = InfoBuilder::new()
        .title("Orchestrix discovery")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(ABOUT))
        .license(Some(LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build()))
        .build();
    let mut schemas = routes.schemas.clone();
    schema::settle(&mut schemas);
    let components = ComponentsBuilder::new()
        .schemas_from_iter(schemas)
        .security_scheme(BEARER, SecurityScheme::Http(bearer))
        .security_scheme(COOKIE, SecurityScheme::ApiKey(ApiKey::Cookie(session)))
        .build();
    OpenApiBuilder::new().info(info).paths(routes.paths.clone()).components(Some(components)).build()
}
