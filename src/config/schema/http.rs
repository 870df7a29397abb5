//! `[[publish.http]]`: requests by template. The presets of `templates/publish/http/` are tables of this grammar, too.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::{At, Confidential, FormatName, Text, Texts};

/// `[[publish.http]]`: a server that takes files by HTTP, one request for each artifact and whatever belongs to it.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
#[schemars(title = "[[publish.http]]")]
pub struct PublishHttp {
    /// What is known of a product: the keys that are not set here are taken from it. `fitout generate preset NAME` prints it.
    pub preset: Option<At<HttpPreset>>,
    /// `{server}`: where the server is, such as `https://packages.example.org`.
    pub server: Option<Text>,
    /// Holes of your own, such as `repository = "debian-local"`; facts of the package are filled in.
    pub values: BTreeMap<String, Text>,
    /// Formats that go there; those of the preset if unset, else all.
    #[schemars(with = "Option<Vec<FormatName>>")]
    pub formats: Option<Texts>,
    /// Name for HTTP basic authentication.
    pub username: Option<At<Worth>>,
    /// Its password.
    pub password: Option<At<Confidential>>,
    /// A token, sent as `Authorization: Bearer …`.
    pub token: Option<At<Confidential>>,
    /// The header that the token goes in by itself, such as `PRIVATE-TOKEN`.
    pub token_header: Option<Text>,
    /// The word before the token in `Authorization`; `Bearer` unless set.
    pub token_word: Option<Text>,
    /// It speaks plain HTTP.
    pub insecure: bool,
    /// File with certificates in PEM that are trusted, too.
    pub ca: Option<Text>,
    /// The address that an artifact is sent to, with holes: `{server}/{repository}/{file}`.
    pub url: Option<Text>,
    /// `PUT` unless set.
    pub method: Option<At<HttpMethod>>,
    /// How the artifact is sent: as it is, unless set.
    pub body: Option<At<HttpBody>>,
    /// The field of a form that holds the file; `file` unless set.
    pub field: Option<Text>,
    /// Other fields of the form.
    pub fields: BTreeMap<String, Text>,
    /// Headers; a value may be a secret: `{ env = "NAME" }`.
    pub headers: BTreeMap<String, At<Worth>>,
    /// Headers that digests go in; their names end in the digest: `X-Checksum-Sha256`, `X-Checksum-Sha1`, `Content-MD5`.
    pub checksums: Option<Texts>,
    /// Statuses that mean success; 200 to 299 unless set.
    pub success: Option<Vec<At<u32>>>,
    /// Statuses that mean that it is there already.
    pub exists: Option<Vec<At<u32>>>,
    /// What such an answer says, where its status means other things as well.
    pub exists_text: Option<Text>,
    /// Holes for later requests from the JSON of the answer: `id = "/data/id"`.
    pub take: BTreeMap<String, Text>,
    /// Asked after it until the server has taken it in.
    pub poll: Option<At<HttpPoll>>,
    /// How it is found out what is there already.
    pub check: Option<At<HttpCheck>>,
    /// What removes a file that `--replace` puts another in place of, or that was sent in part only.
    pub remove: Option<At<HttpStep>>,
    /// Requests before all artifacts, in their order.
    pub before: Option<Vec<At<HttpStep>>>,
    /// Requests after each artifact.
    pub then: Option<Vec<At<HttpStep>>>,
    /// Requests after all artifacts, if any was sent; one with `find` or `when` also where what it makes is missing.
    pub after: Option<Vec<At<HttpStep>>>,
}

/// Products whose requests are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(title = "preset")]
pub enum HttpPreset {
    /// Artifactory, files.
    Artifactory,
    /// Artifactory, Debian repository.
    ArtifactoryDeb,
    /// Artifactory, RPM repository.
    ArtifactoryRpm,
    /// Cloudsmith, .deb.
    CloudsmithDeb,
    /// Cloudsmith, .rpm.
    CloudsmithRpm,
    /// Gitea or Forgejo, Debian registry.
    GiteaDebian,
    /// Gitea or Forgejo, generic registry.
    GiteaGeneric,
    /// Gitea or Forgejo, files of a release.
    GiteaRelease,
    /// Gitea or Forgejo, RPM registry.
    GiteaRpm,
    /// GitHub, files of a release.
    GithubRelease,
    /// GitLab, Debian registry.
    GitlabDebian,
    /// GitLab, generic registry.
    GitlabGeneric,
    /// GitLab, generic registry and links of a release.
    GitlabRelease,
    /// Nexus, apt repository.
    NexusApt,
    /// Nexus, raw repository.
    NexusRaw,
    /// Nexus, yum repository.
    NexusYum,
    /// packagecloud.
    Packagecloud,
    /// Pulp, apt repository.
    PulpDeb,
    /// Pulp, rpm repository.
    PulpRpm,
}

/// Method of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
#[schemars(title = "method")]
pub enum HttpMethod {
    /// Puts it at the address.
    #[default]
    Put,
    /// Gives it to the address.
    Post,
    /// Changes what is there.
    Patch,
    /// Asks for what is there.
    Get,
    /// Asks whether something is there.
    Head,
    /// Removes what is there.
    Delete,
}

/// How an artifact is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(title = "body")]
pub enum HttpBody {
    /// As it is.
    #[default]
    Raw,
    /// As a file of a form.
    Multipart,
}

/// A request beside that of the artifact.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
#[schemars(title = "request")]
pub struct HttpStep {
    /// Looked at first; the request is left out where this finds what it would make.
    pub find: Option<At<HttpFind>>,
    /// Only where a hole has this value: `{ draft = "true" }`.
    pub when: BTreeMap<String, Text>,
    /// The address; nothing is made where there is none.
    pub url: Option<Text>,
    /// `POST` unless set.
    pub method: Option<At<HttpMethod>>,
    /// Sent as JSON: names and texts with holes; `true` and `false` are no texts.
    pub json: BTreeMap<String, Text>,
    /// Headers.
    pub headers: BTreeMap<String, Text>,
    /// Statuses that mean success; 200 to 299 unless set.
    pub success: Option<Vec<At<u32>>>,
    /// Statuses that mean that it is there already.
    pub exists: Vec<At<u32>>,
    /// What such an answer says.
    pub exists_text: Option<Text>,
    /// Holes for later requests from the JSON of the answer.
    pub take: BTreeMap<String, Text>,
    /// Asked after it until it is done.
    pub poll: Option<At<HttpPoll>>,
}

/// How something is found, in an answer of JSON.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(title = "find")]
pub struct HttpFind {
    /// The address that is asked.
    pub url: Text,
    /// Where the list is in the answer: `/results`, or empty where the answer is the list; the answer is the one thing unless set.
    #[serde(default)]
    pub list: Option<Text>,
    /// Which element it is: what its members are.
    #[serde(default)]
    pub r#where: BTreeMap<String, Text>,
}

/// Asked until something is done.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(title = "poll")]
pub struct HttpPoll {
    /// The address that is asked.
    pub url: Text,
    /// Where in the answer it says how far it is: `/state`.
    pub state: Text,
    /// What it says when it is done.
    pub done: Texts,
    /// What it says when it has failed.
    #[serde(default)]
    pub failed: Texts,
    /// Where in the answer it says that; `state` unless set.
    #[serde(default)]
    pub failed_at: Option<Text>,
    /// Where in the answer it says why.
    #[serde(default)]
    pub reason: Option<Text>,
    /// The longest pause; `10s` unless set. The first ones are shorter.
    #[serde(default)]
    pub every: Option<Text>,
    /// How long it may take; `10min` unless set.
    #[serde(default)]
    pub within: Option<Text>,
}

/// How it is found out whether an artifact is there, and with which bytes. The digest is asked for first, then the size.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(title = "check")]
pub struct HttpCheck {
    /// The address that is asked; 404 means that it is not there.
    pub url: Text,
    /// `HEAD` unless set, and `GET` where `list` is.
    #[serde(default)]
    pub method: Option<At<HttpMethod>>,
    /// Where a list of what is there is in the answer of JSON: `/results`, or empty where the answer is the list.
    #[serde(default)]
    pub list: Option<Text>,
    /// Which element of it the artifact is; `name = "{file}"` unless set.
    #[serde(default)]
    pub r#where: BTreeMap<String, Text>,
    /// The header, or the member of the element, that holds its SHA-256.
    #[serde(default)]
    pub sha256: Option<Text>,
    /// That with its SHA-1.
    #[serde(default)]
    pub sha1: Option<Text>,
    /// That with its MD5.
    #[serde(default)]
    pub md5: Option<Text>,
    /// That with its size in bytes; `content-length` without a list.
    #[serde(default)]
    pub size: Option<Text>,
    /// The address where it is fetched from and compared, where no digest is told.
    #[serde(default)]
    pub bytes: Option<Text>,
    /// Members that tell a file that was sent in part only: `{ state = "starter" }`.
    #[serde(default)]
    pub partial: BTreeMap<String, Text>,
    /// Holes for `remove` and `bytes` from the element.
    #[serde(default)]
    pub take: BTreeMap<String, Text>,
}

/// A value that may be typed, or be a secret that the config only names.
#[derive(Debug, Clone)]
pub enum Worth {
    /// As it is typed, with holes.
    Typed(String),
    /// Where it is.
    Secret(Confidential),
}

impl<'de> Deserialize<'de> for Worth {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = Worth;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a string or the place of a secret")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Worth, E> {
                Ok(Worth::Typed(text.to_owned()))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Worth, A::Error> {
                Confidential::deserialize(de::value::MapAccessDeserializer::new(map)).map(Worth::Secret)
            }
        }
        deserializer.deserialize_any(V)
    }
}

impl JsonSchema for Worth {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Worth".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let secret = generator.subschema_for::<Confidential>();
        json_schema!({ "anyOf": [{ "type": "string", "description": "As it is typed." }, secret] })
    }
}
