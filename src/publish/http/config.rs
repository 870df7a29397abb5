//! `[[publish.http]]` -> a destination.
//!
//! Everything that can be wrong with a table is told at once: holes without a value, statuses, times, credentials.

use std::collections::BTreeSet;

use super::courier::{Courier, State};
use super::request::checksum_kind;
use super::{Http, preset};
use crate::codec::base64;
use crate::config::schema::{At, Confidential, HttpPoll, PublishHttp, Text, Worth};
use crate::diagnostic::{Diagnostic, Findings, Span, codes};
use crate::publish::destinations::Ground;
use crate::publish::facts;
use crate::publish::secret::Secrets;
use crate::resolve::duration;
use crate::resolve::holes::{self, Holes};
use crate::store::http::{self, Settings};

/// Opens it; the server is not asked yet.
///
/// # Errors
/// All that is wrong with the table, or a secret that cannot be had.
pub(in crate::publish) fn open(at: &At<PublishHttp>, ground: &Ground<'_>) -> Result<Http, Findings> {
    let mut table = preset::merged(at.value.clone(), &at.range);
    let mut judge = Judge { ground, at, findings: Findings::new(), secrets: Secrets::default() };
    judge.holes(&mut table);
    judge.numbers(&table);
    let credentials = judge.credentials(&table);
    let ca = judge.ca(&table);
    let Judge { findings, secrets, .. } = judge;
    if !findings.is_empty() {
        return Err(findings);
    }
    let name = name(&table);
    let settings = Settings { name: name.clone(), ca, insecure: table.insecure, credentials: credentials.clone() };
    let server = http::open(settings).map_err(|error| {
        let span = ground.document.span(table.ca.as_ref().map_or(&at.range, |ca| &ca.range).clone());
        vec![Diagnostic::from(error).at(&span, "")]
    })?;
    let digests = wants_digests(&mut table);
    let formats = table.formats.iter().flatten().map(|format| format.value.clone()).collect();
    let courier = Courier {
        name,
        server,
        facts: known(&table, ground),
        secrets,
        anonymous: credentials.is_empty(),
        replace: ground.request.replace,
        state: State::default().into(),
        table,
    };
    Ok(Http { courier, formats, digests })
}

/// What it is called: the preset, and the server or what an address has before its first hole.
fn name(table: &PublishHttp) -> String {
    let url = table.server.as_ref().or(table.url.as_ref()).map_or("", |text| text.value.as_str());
    let url = url.split(['{', '?']).next().unwrap_or_default().trim_end_matches('/');
    match &table.preset {
        Some(preset) => format!("{} {url}", preset::name(preset.value)),
        None => url.to_owned(),
    }
}

/// Facts of the package, and where the server is.
fn known(table: &PublishHttp, ground: &Ground<'_>) -> Holes {
    let mut holes = facts::of_package(&ground.holes);
    if let Some(server) = &table.server {
        let server = holes::fill(&server.value, &holes).unwrap_or_default();
        holes.insert("server".to_owned(), server.trim_end_matches('/').to_owned());
    }
    holes
}

fn wants_digests(table: &mut PublishHttp) -> bool {
    let sent = table.checksums.iter().flatten().any(|name| checksum_kind(name) != Some("sha256"));
    let compared = table.check.as_ref().is_some_and(|check| check.sha1.is_some() || check.md5.is_some());
    let named = |text: &str| text.contains("{sha1}") || text.contains("{md5}");
    sent || compared
        || preset::typed_headers(table).any(|(_, text)| named(text))
        || preset::texts(table).iter().any(|text| named(text))
}

struct Judge<'a> {
    ground: &'a Ground<'a>,
    at: &'a At<PublishHttp>,
    findings: Findings,
    secrets: Secrets,
}

impl Judge<'_> {
    fn span(&self, range: &std::ops::Range<usize>) -> Span {
        self.ground.document.span(range.clone())
    }

    fn wrong(&mut self, range: &std::ops::Range<usize>, message: String, help: &str) {
        let finding = Diagnostic::error(codes::CONFIG_INVALID_VALUE, message).at(&self.span(range), "");
        self.findings.push(finding.help(help));
    }

    /// Every hole has a value, or will have one.
    fn holes(&mut self, table: &mut PublishHttp) {
        let range = self.at.range.clone();
        if table.url.is_none() {
            let finding =
                Diagnostic::error(codes::CONFIG_MISSING_KEY, "`url` is missing in this [[publish.http]] table");
            let finding = finding.at(&self.span(&range), "wants a key `url`, or a `preset`");
            self.findings.push(finding.help("`url` is where an artifact goes, such as `{server}/{repository}/{file}`"));
            return;
        }
        let mut known = known(table, self.ground);
        known.extend(facts::FACTS.iter().map(|name| ((*name).to_owned(), String::new())));
        known.extend(table.values.keys().map(|name| (name.clone(), String::new())));
        let takes = preset::steps(table).map(|step| &step.take).chain([&table.take]);
        let takes = takes.chain(table.check.as_ref().map(|check| &check.value.take));
        let later: Vec<String> = takes.flat_map(|take| take.keys().cloned()).collect();
        known.extend(later.into_iter().map(|name| (name, String::new())));
        let preset = table.preset.as_ref().map(|preset| preset::name(preset.value));
        let mut told = BTreeSet::new();
        let own: Vec<Text> = preset::texts(table).into_iter().map(|text| text.clone()).collect();
        let headers = table.headers.values().filter_map(|value| match &value.value {
            Worth::Typed(text) => Some(Text { value: text.clone(), range: value.range.clone() }),
            Worth::Secret(_) => None,
        });
        for text in own.into_iter().chain(headers) {
            for unset in holes::fill(&text.value, &known).err().unwrap_or_default() {
                if !told.insert(unset.name.clone()) {
                    continue;
                }
                let is_of_preset = preset.filter(|_| text.range == range);
                let finding = match is_of_preset {
                    Some(preset) => Self::lacking(preset, &unset.name),
                    None => unset.diagnostic(&known),
                };
                self.findings.push(finding.at(&self.span(&text.range), ""));
            }
        }
    }

    /// A hole of a preset is a key that the table must have.
    fn lacking(preset: &str, name: &str) -> Diagnostic {
        if name == "server" {
            return Diagnostic::error(codes::CONFIG_MISSING_KEY, format!("the preset `{preset}` wants `server`"))
                .help("add `server`, where it is, such as `server = \"https://packages.example.org\"`");
        }
        Diagnostic::error(codes::CONFIG_MISSING_KEY, format!("the preset `{preset}` wants a value `{name}`")).help(
            format!("add it: `values = {{ {name} = \"…\" }}`; `fitout generate preset {preset}` shows what it is for"),
        )
    }

    fn numbers(&mut self, table: &PublishHttp) {
        let own = [&table.success, &table.exists].into_iter().flatten().flatten();
        let steps = preset::steps(table).flat_map(|step| step.success.iter().flatten().chain(&step.exists));
        let wrong: Vec<At<u32>> = own.chain(steps).filter(|s| !(100..600).contains(&s.value)).cloned().collect();
        for status in wrong {
            self.wrong(
                &status.range,
                format!("`{}` is no status of HTTP", status.value),
                "a status is a number such as 201 or 409",
            );
        }
        let polls: Vec<HttpPoll> = preset::steps(table)
            .map(|step| &step.poll)
            .chain([&table.poll])
            .flatten()
            .map(|poll| poll.value.clone())
            .collect();
        for text in polls.iter().flat_map(|poll| poll.every.iter().chain(&poll.within)) {
            if duration::nanoseconds(text).is_none_or(|time| time == 0) {
                self.wrong(&text.range, format!("`{}` is no time", text.value), duration::HELP);
            }
        }
        for name in table.checksums.iter().flatten() {
            if checksum_kind(name).is_none() {
                let message = format!("`{}` does not say which digest it is for", name.value);
                self.wrong(&name.range, message, "its end does: `X-Checksum-Sha256`, `X-Checksum-Sha1`, `Content-MD5`");
            }
        }
    }

    /// Headers that let somebody in.
    fn credentials(&mut self, table: &PublishHttp) -> Vec<(String, String)> {
        let mut headers = Vec::new();
        if let Some(token) = &table.token {
            let secret = self.secret(token, &token.range);
            headers.extend(secret.map(|secret| match (&table.token_header, &table.token_word) {
                (Some(header), _) => (header.value.clone(), secret),
                (None, word) => {
                    let word = word.as_ref().map_or("Bearer", |word| word.value.as_str());
                    ("Authorization".to_owned(), format!("{word} {secret}"))
                }
            }));
        }
        if let Some(name) = &table.username {
            let user = match &name.value {
                Worth::Typed(text) => Some(text.clone()),
                Worth::Secret(place) => self.secret(place, &name.range),
            };
            let password = match &table.password {
                Some(place) => self.secret(place, &place.range),
                None => Some(String::new()),
            };
            if let (Some(user), Some(password)) = (user, password) {
                let basic = base64::encode(format!("{user}:{password}").as_bytes());
                self.secrets.keep(&basic);
                headers.push(("Authorization".to_owned(), format!("Basic {basic}")));
            }
        } else if let Some(password) = &table.password {
            self.wrong(
                &password.range,
                "`password` means nothing without `username`".to_owned(),
                "add `username`, or use `token`",
            );
        }
        for (name, value) in &table.headers {
            if let Worth::Secret(place) = &value.value {
                headers.extend(self.secret(place, &value.range).map(|secret| (name.clone(), secret)));
            }
        }
        let is_header =
            |name: &str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
        let names = table.headers.iter().map(|(name, value)| (name, &value.range));
        let bad: Vec<(String, std::ops::Range<usize>)> =
            names.filter(|(name, _)| !is_header(name)).map(|(name, range)| (name.clone(), range.clone())).collect();
        for (name, range) in bad {
            self.wrong(
                &range,
                format!("`{}` is no name of a header", name.escape_debug()),
                "it is made of letters, digits and `-`",
            );
        }
        headers
    }

    fn secret(&mut self, place: &Confidential, range: &std::ops::Range<usize>) -> Option<String> {
        let span = self.span(range);
        self.secrets.read(place, &span, self.ground).map_err(|finding| self.findings.push(finding)).ok()
    }

    fn ca(&mut self, table: &PublishHttp) -> Option<Vec<u8>> {
        let ca = table.ca.as_ref()?;
        fs_err::read(self.ground.project.join(&ca.value))
            .map_err(|error| {
                let message = format!("`{}` cannot be read", ca.value);
                let finding = Diagnostic::error(codes::HTTP_CERTIFICATE, message).at(&self.span(&ca.range), "");
                let finding = finding.note(error.kind().to_string());
                self.findings.push(finding.help("`ca` is a file with certificates in PEM, relative to the config"));
            })
            .ok()
    }
}
