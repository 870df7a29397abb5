//! Base images of registries, fetched once by their digest.
//!
//! Enters: the name of an image, a target. Leaves: an OCI layout below the cache folder that holds what the target needs of it. A name
//! is looked up once; from then on `fitout.lock` says what it stands for, and what is there is not asked for again.

use std::collections::BTreeSet;
use std::io::{Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use super::Request;
use super::lock::Lock;
use crate::assemble::plan::{Base, Fact, Target};
use crate::codec::hex::hex;
use crate::config::schema::{Manifest, PublishRegistry};
use crate::diagnostic::{Diagnostic, codes};
use crate::engine::EngineError;
use crate::formats::{self, oci::base};
use crate::interrupt::{self, UNFINISHED};
use crate::listener::{Event, Listener};
use crate::store::registry::{self, ImageName, Repository, Settings};
use crate::store::{Place, StoreError};

/// Blobs of an image that are looked at.
const MOST: usize = 2000;

/// See the module.
pub(super) struct Bases<'r> {
    request: &'r Request,
    project: &'r Path,
    manifest: &'r Manifest,
    /// Whether what is looked up is written.
    writes: bool,
    /// Read when the first name is met.
    lock: Option<Lock>,
}

impl<'r> Bases<'r> {
    pub(super) fn new(request: &'r Request, project: &'r Path, manifest: &'r Manifest, writes: bool) -> Self {
        Self { request, project, manifest, writes, lock: None }
    }

    /// Puts the layout in the place of the name.
    ///
    /// # Errors
    /// The registry does not have it or does not answer; there is no folder to keep it in.
    pub(super) fn fetch(
        &mut self,
        fact: &mut Fact<Base>,
        target: &Target,
        listener: &dyn Listener,
    ) -> Result<(), Diagnostic> {
        let Base::Image(image) = &fact.value else { return Ok(()) };
        let image = image.clone();
        let layout = self.layout(&image, target, listener);
        let folder = layout.map_err(|finding| finding.at_origin(&fact.origin, "the base image"))?;
        fact.value = Base::Layout(folder, None);
        Ok(())
    }

    /// Writes what was looked up.
    ///
    /// # Errors
    /// The lock file cannot be written.
    pub(super) fn finish(&self) -> Result<(), Diagnostic> {
        self.lock.as_ref().filter(|_| self.writes).map_or(Ok(()), Lock::write)
    }

    fn layout(&mut self, image: &ImageName, target: &Target, listener: &dyn Listener) -> Result<PathBuf, Diagnostic> {
        let request = self.request;
        let Some(images) = &request.images else {
            let message = format!("there is no folder to keep `{}` in", image.full());
            return Err(Diagnostic::error(codes::CLI_NO_FOLDER, message).help("name one with `--cache-dir DIR`"));
        };
        let known = match &image.digest {
            Some(digest) => Some(digest.clone()),
            None => self.lock()?.image(&image.full()).cloned(),
        };
        let digest = if let Some(digest) = known {
            digest
        } else {
            let tag = image.tag.as_deref().unwrap_or("latest");
            let found = Places { bases: self, image, open: Vec::new() }.manifest(tag)?;
            let digest = format!("sha256:{}", hex(&sha(&found)));
            let value = format!("{} is {digest}", image.full());
            listener.hear(Event::Decided { what: "base", value });
            self.lock()?.set_image(image.full(), digest.clone());
            digest
        };
        let folder = images.join(digest.strip_prefix("sha256:").unwrap_or_default());
        let places = Places { bases: self, image, open: Vec::new() };
        let mut fetched = Fetched { places, folder: &folder, bytes: 0 };
        fetched.all(&digest, target)?;
        let bytes = fetched.bytes;
        let top = fs_err::read(blob(&folder, &digest)).map_err(|source| unread(&folder, source))?;
        for (name, text) in base::layout_of(&top, &image.full())? {
            fetched.put(&folder.join(name), |file| std::io::Write::write_all(file, &text))?;
        }
        if bytes > 0 {
            listener.hear(Event::Fetched { what: image.full(), bytes });
        }
        Ok(folder)
    }

    fn lock(&mut self) -> Result<&mut Lock, Diagnostic> {
        let lock = match self.lock.take() {
            Some(lock) => lock,
            None => Lock::read(self.project, self.request.update)?,
        };
        Ok(self.lock.insert(lock))
    }

    /// How a host is spoken to: as `[[publish.registry]]` says of it. This machine needs no TLS, as Docker has it.
    fn settings(&self, repository: Repository) -> Result<Settings, Diagnostic> {
        let host = |config: &PublishRegistry| Repository::parse(&config.image).map(|known| known.host);
        let known =
            self.manifest.publish.registry.iter().find(|config| host(config).as_ref() == Some(&repository.host));
        let name = repository.host.rsplit_once(':').map_or(&*repository.host, |(name, _)| name);
        let is_here = name == "localhost" || name.parse::<std::net::Ipv4Addr>().is_ok_and(|host| host.is_loopback());
        let ca = known.and_then(|config| config.ca.as_ref()).map(|ca| self.project.join(&ca.value));
        let ca = ca.map(|path| fs_err::read(&path).map_err(|source| unread(&path, source))).transpose()?;
        let insecure = known.map_or(is_here, |config| config.insecure);
        Ok(Settings { repository, insecure, ca, mount_from: Vec::new(), chunk: None, only_pulls: true })
    }
}

/// Where an image may be had: the mirrors of the config, then where its name says.
struct Places<'b, 'r> {
    bases: &'b Bases<'r>,
    image: &'b ImageName,
    open: Vec<Box<dyn Place>>,
}

impl Places<'_, '_> {
    fn open(&mut self) -> Result<&[Box<dyn Place>], Diagnostic> {
        if self.open.is_empty() {
            let own = &self.image.repository;
            let mirrors = &self.bases.manifest.format.oci.mirrors;
            let mirrored =
                mirrors.iter().filter_map(|mirror| Repository::parse(&format!("{}/{}", mirror.value, own.asked())));
            for repository in mirrored.chain([own.clone()]) {
                let settings = self.bases.settings(repository)?;
                self.open.push(registry::open(&settings, &self.bases.request.variables)?);
            }
        }
        Ok(&self.open)
    }

    /// Asks one place after the other; the last says why not.
    fn first<T>(
        &mut self,
        what: &str,
        mut ask: impl FnMut(&dyn Place) -> Result<Option<T>, StoreError>,
    ) -> Result<T, Diagnostic> {
        let name = self.image.full();
        let mut refusal = None;
        for place in self.open()? {
            match ask(&**place) {
                Ok(Some(found)) => return Ok(found),
                Ok(None) => refusal = None,
                Err(error) => {
                    let help = "`mirrors` names other places; what was fetched once and `fitout.lock` names is not asked for again";
                    refusal = Some(Diagnostic::from(error).help(help));
                }
            }
        }
        Err(refusal.unwrap_or_else(|| {
            Diagnostic::error(codes::OCI_NO_BASE, format!("the registry has no `{what}` of `{name}`"))
                .help("look at its name and tag; a private one needs `docker login` or `podman login`")
        }))
    }

    fn manifest(&mut self, reference: &str) -> Result<Vec<u8>, Diagnostic> {
        let key = format!("manifests/{reference}");
        self.first(reference, |place| Ok(place.get(&key)?.map(|object| object.bytes)))
    }
}

/// Blobs on their way into a layout.
struct Fetched<'b, 'r, 'f> {
    places: Places<'b, 'r>,
    folder: &'f Path,
    bytes: u64,
}

impl Fetched<'_, '_, '_> {
    /// Everything that a target needs of an image or an index.
    fn all(&mut self, digest: &str, target: &Target) -> Result<(), Diagnostic> {
        let mut seen = BTreeSet::from([digest.to_owned()]);
        let mut manifests = vec![digest.to_owned()];
        while let Some(digest) = manifests.pop() {
            let bytes = self.manifest(&digest)?;
            let parts = base::parts(&bytes, target)?;
            for (blob, size) in parts.blobs {
                if seen.insert(blob.clone()) {
                    self.blob(&blob, size)?;
                }
            }
            manifests.extend(parts.manifests.into_iter().filter(|manifest| seen.insert(manifest.clone())));
            if seen.len() > MOST {
                let message = format!("`{}` has more than {MOST} parts", self.places.image.full());
                return Err(Diagnostic::error(codes::OCI_BASE, message).help("name another image"));
            }
        }
        Ok(())
    }

    fn manifest(&mut self, digest: &str) -> Result<Vec<u8>, Diagnostic> {
        let path = blob(self.folder, digest);
        if let Some(bytes) = fs_err::read(&path).ok().filter(|bytes| is_of(&sha(bytes), digest)) {
            return Ok(bytes);
        }
        let bytes = self.places.manifest(digest)?;
        if !is_of(&sha(&bytes), digest) {
            return Err(self.other(digest));
        }
        self.bytes += bytes.len() as u64;
        self.put(&path, |file| std::io::Write::write_all(file, &bytes))?;
        Ok(bytes)
    }

    /// One that is there has its size; its digest is compared when it is packed.
    fn blob(&mut self, digest: &str, size: u64) -> Result<(), Diagnostic> {
        let path = blob(self.folder, digest);
        if fs_err::metadata(&path).is_ok_and(|there| there.len() == size) {
            return Ok(());
        }
        let key = format!("blobs/{digest}");
        let new = self.create(&path)?;
        let (mut file, _held) = new;
        self.places.first(digest, |place| {
            let empty = file.as_file().set_len(0).and_then(|()| file.as_file_mut().seek(SeekFrom::Start(0)));
            empty.map_err(|error| StoreError::of(place.name(), crate::store::Trouble::Failed, &error))?;
            Ok(place.fetch(&key, file.as_file_mut(), size)?.then_some(()))
        })?;
        let failed = |source| unread(&path, source);
        let found = fs_err::File::open(file.path()).and_then(|file| formats::digest(file.into_parts().0));
        let (found_size, found) = found.map_err(failed)?;
        if found_size != size || !is_of(&found, digest) {
            return Err(self.other(digest));
        }
        self.bytes += size;
        let persisted = file.persist(&path).map(drop);
        persisted.map_err(|error| EngineError::Write { path: path.clone(), source: error.error }.into())
    }

    fn other(&self, digest: &str) -> Diagnostic {
        let message = format!("what the registry sent of `{}` is not `{digest}`", self.places.image.full());
        Diagnostic::error(codes::OCI_BASE_DIGEST, message).help("run it again; ask whoever runs the registry or mirror")
    }

    fn create(&self, path: &Path) -> Result<(tempfile::NamedTempFile, interrupt::Held), Diagnostic> {
        let failed = |source| Diagnostic::from(EngineError::Write { path: path.to_owned(), source });
        let folder = path.parent().unwrap_or(self.folder);
        fs_err::create_dir_all(folder).map_err(failed)?;
        let mut builder = tempfile::Builder::new();
        builder.prefix(UNFINISHED);
        interrupt::file(|| builder.tempfile_in(folder), |file| file.path().to_owned()).map_err(failed)
    }

    /// A small file that appears whole.
    fn put(
        &self,
        path: &Path,
        write: impl FnOnce(&mut tempfile::NamedTempFile) -> std::io::Result<()>,
    ) -> Result<(), Diagnostic> {
        let (mut file, _held) = self.create(path)?;
        let written = write(&mut file).and_then(|()| file.persist(path).map(drop).map_err(|error| error.error));
        written.map_err(|source| EngineError::Write { path: path.to_owned(), source }.into())
    }
}

fn sha(bytes: &[u8]) -> [u8; 32] {
    <sha2::Sha256 as sha2::Digest>::digest(bytes).into()
}

fn is_of(sha256: &[u8; 32], digest: &str) -> bool {
    digest.strip_prefix("sha256:") == Some(&hex(sha256))
}

fn blob(folder: &Path, digest: &str) -> PathBuf {
    folder.join("blobs/sha256").join(digest.strip_prefix("sha256:").unwrap_or_default())
}

fn unread(path: &Path, source: std::io::Error) -> Diagnostic {
    EngineError::Read { path: path.to_owned(), source }.into()
}
