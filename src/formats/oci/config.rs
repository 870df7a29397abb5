//! The image configuration, as JSON (image-spec 1.1, `config.md`; `Healthcheck` is Docker's and reserved there).
//!
//! Enters: the Plan and the configuration of the base. Leaves: ours laid over it: variables and labels by name, command
//! and folder where ours are set, history and diff ids after those of the base. No clock: `created` is the Plan's.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::manifest::null_is_default;
use super::naming;
use crate::assemble::plan::{Churn, Fact, HealthCheck, Image, Plan};
use crate::codec::calendar::rfc3339;

/// What a shell-less program finds tools by, where there is no base to say it. Docker's own value.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct ImageConfig {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    pub architecture: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    pub os: String,
    #[serde(deserialize_with = "null_is_default")]
    pub config: Container,
    pub rootfs: RootFs,
    #[serde(deserialize_with = "null_is_default")]
    pub history: Vec<History>,
}

/// What a container of the image runs. Fields of Docker's that only its builder reads are not kept from a base.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Container {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub user: String,
    #[serde(skip_serializing_if = "BTreeSet::is_empty", with = "go_set")]
    pub exposed_ports: BTreeSet<String>,
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "null_is_default")]
    pub env: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entrypoint: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cmd: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub healthcheck: Option<Healthcheck>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty", with = "go_set")]
    pub volumes: BTreeSet<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub working_dir: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "null_is_default")]
    pub labels: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub stop_signal: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shell: Option<Vec<String>>,
}

/// Go has no sets: its writers make a map whose values are empty structs, or `null` of an empty one.
mod go_set {
    use std::collections::{BTreeMap, BTreeSet};

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize)]
    struct Empty {}

    pub fn serialize<S: Serializer>(set: &BTreeSet<String>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(set.iter().map(|key| (key, Empty {})))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeSet<String>, D::Error> {
        let map: Option<BTreeMap<String, serde_json::Value>> = Option::deserialize(deserializer)?;
        Ok(map.into_iter().flatten().map(|(key, _)| key).collect())
    }
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Healthcheck {
    #[serde(deserialize_with = "null_is_default")]
    pub test: Vec<String>,
    #[serde(skip_serializing_if = "is_zero")]
    pub interval: u64,
    #[serde(skip_serializing_if = "is_zero")]
    pub timeout: u64,
    #[serde(skip_serializing_if = "is_zero")]
    pub start_period: u64,
    #[serde(skip_serializing_if = "is_zero")]
    pub retries: u64,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct RootFs {
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(deserialize_with = "null_is_default")]
    pub diff_ids: Vec<String>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct History {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub empty_layer: bool,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde calls it by reference
fn is_zero(n: &u64) -> bool {
    *n == 0
}

/// The program that a container of an image starts, and where it is looked for.
#[derive(Debug)]
pub struct Start {
    /// As it is written.
    pub program: String,
    /// The folders that a program without a `/` is looked for in, separated by colons.
    pub path: String,
    /// The folder that it is started in, absolute: a path that does not begin with `/` begins there.
    pub folder: String,
}

/// What a container of the image starts, if anything: the plan's settings laid over those of its base.
pub fn started(plan: &Plan) -> Option<Start> {
    let base: Option<ImageConfig> = plan.base.as_ref().and_then(|base| serde_json::from_slice(&base.config).ok());
    let scratch = base.is_none();
    let mut container = base.unwrap_or_default().config;
    container.lay_over(&plan.image, scratch);
    let program = container.entrypoint.into_iter().chain(container.cmd).flatten().next()?;
    let path = container.env.iter().find_map(|variable| variable.strip_prefix("PATH="));
    Some(Start {
        program,
        path: path.unwrap_or(PATH).to_owned(),
        folder: format!("/{}", container.working_dir.trim_start_matches('/')),
    })
}

impl ImageConfig {
    /// The configuration of the image: the plan's laid over `base`, with one own layer for each of `layers` (its group
    /// and diff id).
    pub fn new(plan: &Plan, base: Option<Self>, layers: &[(Churn, String)]) -> Self {
        let created = rfc3339(plan.clock);
        let (architecture, variant) = naming::platform(plan.target.arch);
        let scratch = base.is_none();
        let mut all = base.unwrap_or_default();
        all.pad_history();
        for (churn, diff_id) in layers {
            all.rootfs.diff_ids.push(diff_id.clone());
            all.history.push(History {
                created: Some(created.clone()),
                created_by: Some(format!("{MARK}{} of {}", group(*churn), *plan.identity.name)),
                ..History::default()
            });
        }
        "layers".clone_into(&mut all.rootfs.kind);
        all.created = Some(created);
        architecture.clone_into(&mut all.architecture);
        all.variant = variant.map(str::to_owned);
        plan.target.os.clone_into(&mut all.os);
        all.config.lay_over(&plan.image, scratch);
        all.config.labels.extend(standard(plan));
        all.config.labels.extend(typed(&plan.image.labels));
        all
    }

    /// There is a history record for each layer or there is none at all: a base without records gets bare ones.
    fn pad_history(&mut self) {
        let told = self.history.iter().filter(|h| !h.empty_layer).count();
        for _ in told..self.rootfs.diff_ids.len() {
            self.history.push(History { comment: Some("base image".to_owned()), ..History::default() });
        }
    }
}

impl Container {
    fn lay_over(&mut self, image: &Image, scratch: bool) {
        if let Some(user) = &image.user {
            self.user.clone_from(user);
        }
        self.exposed_ports.extend(image.ports.iter().map(|port| port.value.clone()));
        self.volumes.extend(image.volumes.iter().map(|volume| volume.value.clone()));
        if scratch {
            self.env.push(format!("PATH={PATH}"));
        }
        for (name, value) in &image.env {
            let new = format!("{name}={}", value.value);
            match self.env.iter_mut().find(|old| old.split('=').next() == Some(name)) {
                Some(old) => *old = new,
                None => self.env.push(new),
            }
        }
        if let Some(entrypoint) = &image.entrypoint {
            self.entrypoint = Some(entrypoint.clone());
            // The base's arguments are meant for the base's program.
            self.cmd = None;
        }
        if let Some(cmd) = &image.cmd {
            self.cmd = Some(cmd.clone());
        }
        if let Some(dir) = &image.working_dir {
            self.working_dir.clone_from(dir);
        }
        if !image.stop_signal.is_empty() {
            self.stop_signal.clone_from(&image.stop_signal);
        }
        if let Some(check) = &image.health_check {
            self.healthcheck = Some(health_check(check));
        }
    }
}

fn health_check(check: &HealthCheck) -> Healthcheck {
    Healthcheck {
        test: std::iter::once("CMD".to_owned()).chain(check.command.iter().cloned()).collect(),
        interval: check.interval_ns,
        timeout: check.timeout_ns,
        start_period: check.start_period_ns,
        retries: u64::from(check.retries),
    }
}

/// Labels or annotations as the image has them.
pub(super) fn typed(texts: &BTreeMap<String, Fact<String>>) -> impl Iterator<Item = (String, String)> {
    texts.iter().map(|(key, text)| (key.clone(), text.value.clone()))
}

/// What the records of our own layers begin with.
const MARK: &str = "fitout: ";

/// Whether a record is of a layer of ours.
pub(super) fn is_own(record: &History) -> bool {
    !record.empty_layer && record.created_by.as_ref().is_some_and(|by| by.starts_with(MARK))
}

/// What a layer holds, in the words of its history record.
pub(super) fn group(churn: Churn) -> &'static str {
    match churn {
        Churn::Runtime => "runtime",
        Churn::Dependencies => "dependencies",
        Churn::Application => "application",
        Churn::Config => "configuration",
    }
}

/// What image-spec's `annotations.md` has names for: labels of the config, annotations of manifest and index.
pub(super) fn standard(plan: &Plan) -> BTreeMap<String, String> {
    let identity = &plan.identity;
    let base = plan.base.as_ref();
    let value = |url: &Option<Fact<String>>| url.as_ref().map(|url| url.value.clone());
    let known = [
        ("title", Some(identity.name.value.clone())),
        ("description", Some(identity.summary.value.clone())),
        ("version", Some(identity.version.text.clone())),
        ("revision", identity.revision.clone()),
        ("url", value(&identity.homepage)),
        ("source", value(&identity.repository)),
        ("licenses", Some(identity.license.value.clone())),
        ("vendor", identity.vendor.clone()),
        ("authors", Some(identity.maintainer.value.clone())),
        ("created", Some(rfc3339(plan.clock))),
        // A bare tag of a local layout is no image reference.
        ("base.name", base.map(|b| b.name.clone()).filter(|name| name.contains('/'))),
        ("base.digest", base.map(|b| b.digest.clone())),
    ];
    known
        .into_iter()
        .filter_map(|(key, value)| Some((format!("org.opencontainers.image.{key}"), value.filter(|v| !v.is_empty())?)))
        .collect()
}
