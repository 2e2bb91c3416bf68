//! The description of the API.

use super::*;

#[test]
fn the_description_is_what_people_reviewed() {
    let json = openapi().to_pretty_json().unwrap();
    insta::assert_snapshot!("openapi", json);
}

#[tokio::test]
async fn the_description_is_served_without_a_token() {
    let served = Served::sqlite().await;
    let request = served.request("GET", "/api/v1/openapi.json", None).body(Body::empty()).unwrap();
    let (status, _, body) = served.send(request).await;
    assert_eq!(status, 200);
    let shown: Json = serde_json::from_slice(&body).unwrap();
    assert_eq!(shown, serde_json::to_value(openapi()).unwrap());
    assert!(shown["paths"]["/api/v1/openapi.json"]["get"].is_object());
}

#[test]
fn every_operation_and_reference_is_sound() {
    let document = serde_json::to_value(openapi()).unwrap();
    let mut names = std::collections::BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let name = operation["operationId"].as_str().unwrap().to_owned();
            assert!(names.insert(name.clone()), "{name} twice");
            assert!(operation["summary"].is_string(), "{method} {path}");
            assert!(operation["responses"]["500"].is_object(), "{method} {path}");
            for part in path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')) {
                let parameters = operation["parameters"].as_array().unwrap();
                let found = parameters.iter().any(|known| known["name"] == part && known["in"] == "path");
                assert!(found, "{method} {path}: {part}");
            }
        }
    }
    let text = document.to_string();
    for reference in text.split("\"#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(document["components"]["schemas"][name].is_object(), "{name} is referred to, but not there");
    }
}

#[test]
fn each_list_is_described_by_its_own_rows() {
    let document = serde_json::to_value(openapi()).unwrap();
    let page = |path: &str| {
        let content = &document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"];
        let name = content["$ref"].as_str().unwrap().rsplit('/').next().unwrap();
        document["components"]["schemas"][name]["properties"]["items"]["items"].to_string()
    };
    assert!(page("/api/v1/computes").contains("hostname") || page("/api/v1/computes").contains("schemas/Compute"));
    assert_ne!(page("/api/v1/computes"), page("/api/v1/workloads"));
}
