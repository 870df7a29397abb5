//! The request of an artifact: body, headers, digests.

use std::collections::BTreeMap;

use super::courier::{self, Courier, word};
use crate::codec::{base64, hex};
use crate::config::schema::{HttpBody, HttpMethod, Text};
use crate::resolve::holes::Holes;
use crate::store::http::{Content, Request};
use crate::store::media_type;
use crate::store::{Body, StoreError};

impl Courier {
    pub(super) fn request(&self, holes: &Holes, body: &Body, expected: Vec<u16>) -> Result<Request, StoreError> {
        let file = courier::file(holes);
        let mut headers = self.headers(&BTreeMap::new(), holes)?;
        for name in self.table.checksums.iter().flatten() {
            headers.push((name.value.clone(), checksum(name, holes)));
        }
        let content = match self.table.body.as_ref().map_or(HttpBody::Raw, |body| body.value) {
            HttpBody::Raw => {
                if headers.iter().all(|(name, _)| !name.eq_ignore_ascii_case("content-type")) {
                    headers.push(("Content-Type".to_owned(), media_type(&file).to_owned()));
                }
                Content::Raw(body.clone())
            }
            HttpBody::Multipart => {
                let field = |(name, text): (&String, &Text)| Ok((name.clone(), self.text(text, holes)?));
                Content::Form {
                    fields: self.table.fields.iter().map(field).collect::<Result<_, StoreError>>()?,
                    field: self.table.field.as_ref().map_or("file", |field| field.value.as_str()).to_owned(),
                    content_type: media_type(&file).to_owned(),
                    file,
                    body: body.clone(),
                }
            }
        };
        let method = word(self.table.method.as_ref().map_or(HttpMethod::Put, |method| method.value)).to_owned();
        let template = self.table.url.as_ref().map_or("", |url| url.value.as_str());
        Ok(Request { method, url: self.url(template, holes)?, headers, content, expected })
    }
}

/// The digest that a header is for, as its name ends.
pub(super) fn checksum_kind(header: &str) -> Option<&'static str> {
    let name = header.to_ascii_lowercase().replace('-', "");
    ["sha256", "sha1", "md5"].into_iter().find(|kind| name.ends_with(kind))
}

fn checksum(header: &str, holes: &Holes) -> String {
    let digest = checksum_kind(header).and_then(|kind| holes.get(kind)).cloned().unwrap_or_default();
    // RFC 1864: in base64, as no other is.
    if header.eq_ignore_ascii_case("content-md5") {
        base64::encode(&hex::bytes(&digest).unwrap_or_default())
    } else {
        digest
    }
}
