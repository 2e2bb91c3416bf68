//! The table of routes: each with its handler, the role it needs, and its description.

use std::{collections::BTreeMap, convert::Infallible};

use axum::{
    Router,
    handler::Handler,
    middleware,
    routing::{MethodFilter, MethodRouter, on},
};
use utoipa::{
    ToSchema,
    openapi::{
        ContentBuilder, HttpMethod, Paths, Ref, RefOr, ResponseBuilder, Schema,
        path::{Operation, OperationBuilder},
        schema::{ArrayBuilder, Object},
        security::SecurityRequirement,
    },
};

use super::{
    ApiState,
    auth::{self, Access},
    body,
    problem::Document,
};

/// Name of the security scheme in the description.
pub(super) const BEARER: &str = "bearer";

/// Name of the other one: the web UI's cookie.
pub(super) const COOKIE: &str = "session";

/// The routes so far.
pub(super) struct Routes {
    router: Router<ApiState>,
    /// `None` when the routes are only described.
    state: Option<ApiState>,
    pub(super) paths: Paths,
    pub(super) schemas: BTreeMap<String, RefOr<Schema>>,
}

impl Routes {
    pub(super) fn new(state: Option<ApiState>) -> Self {
        let mut routes = Self { router: Router::new(), state, paths: Paths::new(), schemas: BTreeMap::new() };
        routes.schema::<Document>();
        routes
    }

    /// Enters a route. Errors that the checks in front of it give are added to its description.
    pub(super) fn add<H, T>(
        &mut self,
        method: HttpMethod,
        path: &str,
        access: Access,
        operation: OperationBuilder,
        handler: H,
    ) where
        H: Handler<T, ApiState>,
        T: 'static,
    {
        let operation = described(operation, access);
        let filter = match method {
            HttpMethod::Post => MethodFilter::POST,
            HttpMethod::Put => MethodFilter::PUT,
            HttpMethod::Patch => MethodFilter::PATCH,
            HttpMethod::Delete => MethodFilter::DELETE,
            _ => MethodFilter::GET,
        };
        if let Some(state) = &self.state {
            let check = middleware::from_fn_with_state((state.clone(), access), auth::check);
            let mut handler: MethodRouter<ApiState, Infallible> = on(filter, handler);
            if operation.request_body.is_some() {
                handler = handler.route_layer(middleware::from_fn(body::check));
            }
            self.router = std::mem::take(&mut self.router).route(path, handler.route_layer(check));
        }
        self.paths.add_path_operation(path, vec![method], operation);
    }

    /// Adds a type, and those it is made of, to the description.
    pub(super) fn schema<T: ToSchema>(&mut self) -> Ref {
        let mut found = vec![(T::name().into_owned(), T::schema())];
        T::schemas(&mut found);
        self.schemas.extend(found.into_iter().map(|(name, schema)| (name, needed(schema))));
        Ref::from_schema_name(T::name())
    }

    /// Adds a generic type under a name of its own: all instances of one would share theirs.
    pub(super) fn schema_as<T: ToSchema>(&mut self, name: String) -> Ref {
        let mut found = Vec::new();
        T::schemas(&mut found);
        self.schemas.extend(found);
        let reference = Ref::from_schema_name(&name);
        self.schemas.insert(name, T::schema());
        reference
    }

    /// Adds a schema that no type stands for to the description.
    pub(super) fn described(&mut self, name: &str, schema: Schema) -> Ref {
        self.schemas.insert(name.to_owned(), schema.into());
        Ref::from_schema_name(name)
    }

    /// Says what the items of a list within a described type are.
    pub(super) fn describe_items(&mut self, name: &str, list: &str, item: Object) {
        if let Some(RefOr::T(Schema::Object(object))) = self.schemas.get_mut(name)
            && let Some(RefOr::T(Schema::Array(list))) = object.properties.get_mut(list)
        {
            list.items = ArrayBuilder::new().items(item).build().items;
        }
    }

    /// The router without its state.
    pub(super) fn into_router(self) -> Router<ApiState> {
        self.router
    }
}

/// What must be given has no default, although the type that reads it has one.
fn needed(mut schema: RefOr<Schema>) -> RefOr<Schema> {
    if let RefOr::T(Schema::Object(object)) = &mut schema {
        for name in &object.required {
            match object.properties.get_mut(name) {
                Some(RefOr::T(Schema::Object(member))) => member.default = None,
                Some(RefOr::T(Schema::Array(member))) => member.default = None,
                _ => {}
            }
        }
    }
    schema
}

fn described(operation: OperationBuilder, access: Access) -> Operation {
    let mut operation = operation.response("500", problem("Something failed that the log tells of."));
    if let Access::Role(role) = access {
        operation = operation
            .security(SecurityRequirement::new(BEARER, [role.as_str()]))
            .security(SecurityRequirement::new(COOKIE, [role.as_str()]))
            .response("401", problem("No token, or none that is in force."))
            .response("403", problem(&format!("The token's role is below {}.", role.as_str())))
            .response("503", problem("The database does not answer at the moment."));
    }
    let mut operation = operation.build();
    if operation.request_body.is_some() {
        for (status, about) in [
            ("400", "The body is of another form."),
            ("413", "The body is too large."),
            ("415", "The body is sent as something else than JSON."),
        ] {
            let known = &mut operation.responses.responses;
            known.entry(status.to_owned()).or_insert_with(|| problem(about).into());
        }
    }
    operation
}

/// A response with a JSON body.
pub(super) fn content(description: &str, schema: Ref) -> utoipa::openapi::Response {
    let content = ContentBuilder::new().schema(Some(schema)).build();
    ResponseBuilder::new().description(description).content("application/json", content).build()
}

/// A response with a problem document.
pub(super) fn problem(description: &str) -> utoipa::openapi::Response {
    let schema = Ref::from_schema_name(Document::name());
    let content = ContentBuilder::new().schema(Some(schema)).build();
    ResponseBuilder::new().description(description).content("application/problem+json", content).build()
}
