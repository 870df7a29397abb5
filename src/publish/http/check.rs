//! Whether an artifact is there, and with which bytes.
//!
//! The digest decides where the server tells one, else the size, else the bytes themselves where they can be fetched.

use serde_json::Value;

use super::answer;
use super::courier::{self, Courier, There, word};
use crate::config::schema::{HttpCheck, HttpMethod, Text};
use crate::resolve::holes::Holes;
use crate::store::StoreError;

/// What it tells of a file, and what of that later requests need; none if it is not there.
type Found = Option<(Told, Holes)>;

/// What a server tells of a file.
#[derive(Default)]
struct Told {
    /// Whether a digest is that of the artifact; none if it tells none.
    digest: Option<bool>,
    size: Option<u64>,
    /// Whether it is a part of one only.
    partial: bool,
    /// It does not say whether it is there at all.
    silent: bool,
}

impl Courier {
    /// See the module. An address that needs what no answer has given yet says that nothing is there.
    pub(super) fn there(&self, holes: &Holes) -> Result<There, StoreError> {
        let Some(check) = &self.table.check else { return Ok(There::No) };
        let Ok(url) = self.url(&check.url, holes) else { return Ok(There::No) };
        let found = match &check.list {
            Some(list) => self.in_list(check, list, &url, holes)?,
            None => self.by_itself(check, &url, holes)?,
        };
        let Some((told, element)) = found else { return Ok(There::No) };
        if told.partial {
            return Ok(There::Partial(element));
        }
        let own = holes.get("size").and_then(|size| size.parse::<u64>().ok());
        match told {
            Told { digest: Some(true), .. } => return Ok(There::Same),
            Told { digest: Some(false), .. } => return Ok(There::Other(element)),
            Told { size: Some(size), .. } if Some(size) != own => return Ok(There::Other(element)),
            Told { .. } => {}
        }
        let Some(bytes) = &check.bytes else {
            // Then it is told when it is sent.
            return Ok(if told.silent { There::No } else { There::Unproven(element) });
        };
        let mut all = holes.clone();
        all.extend(element.clone());
        let found = self.server.digest(&self.url(bytes, &all)?);
        let found = found.map_err(|error| StoreError { message: self.secrets.hide(&error.message), ..error })?;
        Ok(match found {
            Some((_, sha256)) if holes.get("sha256") == Some(&sha256) => There::Same,
            Some(_) => There::Other(element),
            None => There::No,
        })
    }

    fn in_list(&self, check: &HttpCheck, list: &str, url: &str, holes: &Holes) -> Result<Found, StoreError> {
        let Some(json) = self.ask(url, holes)? else { return Ok(None) };
        let mut wanted = self.wanted(&check.r#where, holes)?;
        if wanted.is_empty() {
            wanted.insert("name".to_owned(), courier::file(holes));
        }
        let Some(found) = answer::element(&json, Some(list), &wanted) else { return Ok(None) };
        let is = |(name, value): (&String, &Text)| answer::member(found, name).as_ref() == Some(&value.value);
        let told = told(check, holes, check.size.as_ref(), |name| answer::member(found, name));
        Ok(Some((Told { partial: check.partial.iter().any(is), ..told }, self.take(&check.take, found)?)))
    }

    fn by_itself(&self, check: &HttpCheck, url: &str, holes: &Holes) -> Result<Found, StoreError> {
        let method = check.method.as_ref().map_or(HttpMethod::Head, |method| method.value);
        let answer = self.answer(word(method), url, holes)?;
        if method == HttpMethod::Head && matches!(answer.status, 405 | 501) {
            return Ok(Some((Told { silent: true, ..Told::default() }, Holes::new())));
        }
        let Some(answer) = self.there_or_not(answer)? else { return Ok(None) };
        let length = Text { value: "content-length".to_owned(), range: 0..0 };
        let size = check.size.as_ref().or(Some(&length));
        let told = told(check, holes, size, |name| answer.headers.get(&name.to_ascii_lowercase()).cloned());
        if check.take.is_empty() {
            return Ok(Some((told, Holes::new())));
        }
        let json: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        Ok(Some((told, self.take(&check.take, &json)?)))
    }
}

fn told(check: &HttpCheck, holes: &Holes, size: Option<&Text>, member: impl Fn(&str) -> Option<String>) -> Told {
    let digests = [("sha256", &check.sha256), ("sha1", &check.sha1), ("md5", &check.md5)];
    let digest = digests.into_iter().find_map(|(kind, at)| {
        let said = member(at.as_ref()?).filter(|said| !said.is_empty())?.to_ascii_lowercase();
        // With quotes, with the word for the digest before it, as servers have it.
        holes.get(kind).map(|own| said.contains(own.as_str()))
    });
    Told { digest, size: size.and_then(|name| member(name)?.parse().ok()), partial: false, silent: false }
}
