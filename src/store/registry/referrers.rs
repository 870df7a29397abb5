//! What refers to a manifest, where the registry keeps no list of it: the index at the tag `sha256-HEX`.
//!
//! Enters: a manifest with a `subject` that was put. Leaves: the index names it. Registries have no conditions, so two that do this at once
//! may lose one; one process does it one after the other. Source: distribution-spec, "Pushing Manifests with Subject".

use reqwest::Method;
use serde_json::{Value, json};

use super::place::{Registry, digest, locked};
use super::{Refusal, wire};
use crate::store::StoreError;

const INDEX: &str = "application/vnd.oci.image.index.v1+json";

impl Registry {
    /// Adds a manifest to what refers to its subject, if it has one.
    pub(super) async fn refer(&self, manifest: &[u8], media_type: &str) -> Result<(), StoreError> {
        let manifest_json: Value = serde_json::from_slice(manifest).unwrap_or_default();
        let Some(subject) = manifest_json["subject"]["digest"].as_str() else { return Ok(()) };
        let own = digest(manifest);
        let mut entry = json!({ "mediaType": media_type, "digest": own, "size": manifest.len() });
        let artifact_type = [&manifest_json["artifactType"], &manifest_json["config"]["mediaType"]];
        if let Some(artifact_type) = artifact_type.into_iter().find(|value| value.is_string()) {
            entry["artifactType"] = artifact_type.clone();
        }
        if manifest_json["annotations"].is_object() {
            entry["annotations"] = manifest_json["annotations"].clone();
        }
        let key = format!("manifests/{}", subject.replace(':', "-"));
        let there = self.look(Method::GET, &key).await?;
        let mut index: Value = match &there {
            Some(answer) => serde_json::from_slice(&answer.body).unwrap_or_default(),
            None => json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [] }),
        };
        let Some(list) = index["manifests"].as_array_mut() else {
            let message = format!("`{key}` is to list what refers to an image, and is no index");
            return Err(wire::trouble(&self.repository, Refusal::Refused, message));
        };
        if list.iter().any(|known| known["digest"] == entry["digest"]) {
            return Ok(());
        }
        list.push(entry);
        self.put_manifest(&key, index.to_string().as_bytes(), INDEX).await.map(drop)
    }

    /// Keeps the others of this process out.
    pub(super) fn referring(&self) -> std::sync::MutexGuard<'_, ()> {
        locked(&self.referring)
    }
}
