//! A blob from a registry into a file. What was cut goes on where it stopped.

use std::fs::File;
use std::io::{Seek as _, SeekFrom, Write as _};

use reqwest::Method;

use super::Refusal;
use super::place::Registry;
use super::wire;
use crate::store::{StoreError, Trouble};

impl Registry {
    /// Writes a blob of `size` bytes into an empty file; false if it is not there. Its digest is the caller's to compare.
    pub(super) async fn download(&self, digest: &str, file: &mut File, size: u64) -> Result<bool, StoreError> {
        for attempt in 1.. {
            // A small request first: it finds out what lets us in.
            if self.look(Method::HEAD, &format!("blobs/{digest}")).await?.is_none() {
                return Ok(false);
            }
            match self.part(digest, size, file).await {
                Ok(()) => return Ok(true),
                Err(error) => match wire::wait(&Err(error.clone()), attempt) {
                    Some(wait) => tokio::time::sleep(wait).await,
                    None => return Err(error),
                },
            }
        }
        unreachable!("the loop ends by its last try")
    }

    /// Whatever is not there yet.
    async fn part(&self, digest: &str, size: u64, file: &mut File) -> Result<(), StoreError> {
        let failed = |message: String| wire::trouble(&self.repository, Refusal::Failed, message);
        // Of this machine, and no reason to ask again.
        let unwritten = |error: std::io::Error| StoreError::of(self.repository.to_string(), Trouble::Failed, &error);
        let mut there = file.seek(SeekFrom::End(0)).map_err(unwritten)?;
        let url = self.url(&format!("blobs/{digest}"));
        let mut request = self.http.request(Method::GET, &url);
        if let Some(text) = self.access.header(&self.http, &self.scopes(), &self.repository).await? {
            request = request.header("authorization", text);
        }
        if there > 0 {
            request = request.header("range", format!("bytes={there}-"));
        }
        let mut response = request.send().await.map_err(|error| wire::failed(&self.repository, error))?;
        match response.status().as_u16() {
            206 if there > 0 => {}
            200 => {
                file.set_len(0).map_err(unwritten)?;
                there = file.seek(SeekFrom::Start(0)).map_err(unwritten)?;
            }
            status => return Err(failed(format!("it answers with status {status}"))),
        }
        while let Some(piece) = response.chunk().await.map_err(|error| wire::failed(&self.repository, error))? {
            there += piece.len() as u64;
            if there > size {
                file.set_len(0).map_err(unwritten)?;
                return Err(failed(format!("it sends more than the {size} bytes that its manifest says")));
            }
            file.write_all(&piece).map_err(unwritten)?;
        }
        if there == size { Ok(()) } else { Err(failed(format!("it sent {there} of {size} bytes"))) }
    }
}
