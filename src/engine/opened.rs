//! A source that is read, once or again: what is not as the walk saw it is an error.
//!
//! Enters: a [`Content`] with the stat of the walk. Leaves: its bytes. What they become is [`super::store`]'s matter.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::EngineError;
use crate::assemble::patch::Patched;
use crate::assemble::plan::{Content, Stat};

/// Bytes of a content, as the plan has it.
pub(super) fn size_of(content: &Content) -> u64 {
    match content {
        Content::File { stat, .. } => stat.size,
        Content::Patched { stat, patch, .. } => patch.size_of(stat.size),
        Content::Slice { length, .. } => *length,
        Content::Made(bytes) => bytes.len() as u64,
    }
}

/// All bytes of a content.
pub(super) fn read_all(content: &Content) -> Result<std::borrow::Cow<'_, [u8]>, EngineError> {
    match content {
        Content::Made(bytes) => Ok((&**bytes).into()),
        Content::File { path, .. } | Content::Patched { path, .. } | Content::Slice { path, .. } => {
            let length = usize::try_from(size_of(content)).map_err(|_| EngineError::Changed { path: path.clone() })?;
            let mut bytes = vec![0; length];
            let mut reader = Opened::new(content)?;
            reader.fill(&mut bytes)?;
            reader.finish()?;
            Ok(bytes.into())
        }
    }
}

/// A content that is being read, with the stat that it must keep.
pub(super) enum Opened<'c> {
    /// `whole`: nothing may follow the last byte.
    File {
        path: &'c PathBuf,
        stat: &'c Stat,
        file: File,
        whole: bool,
    },
    /// The size of the file is in its stat.
    Patched {
        path: &'c PathBuf,
        stat: &'c Stat,
        patched: Patched<'c, File>,
    },
    Made(&'c [u8]),
}

impl<'c> Opened<'c> {
    /// Opens the source; it must be the one that the walk saw.
    pub(super) fn new(content: &'c Content) -> Result<Self, EngineError> {
        match content {
            Content::Made(bytes) => Ok(Self::Made(bytes)),
            Content::File { path, stat } => Self::open(path, stat, None),
            Content::Slice { path, offset, stat, .. } => Self::open(path, stat, Some(*offset)),
            Content::Patched { path, stat, patch } => {
                let file = File::open(path).map_err(|source| EngineError::Read { path: path.clone(), source })?;
                let opened = Self::Patched { path, stat, patched: Patched::new(file, stat.size, patch) };
                opened.check()?;
                Ok(opened)
            }
        }
    }

    /// From the start of the file, or from the offset of a slice.
    fn open(path: &'c PathBuf, stat: &'c Stat, offset: Option<u64>) -> Result<Self, EngineError> {
        let failed = |source| EngineError::Read { path: path.clone(), source };
        let mut file = File::open(path).map_err(failed)?;
        if let Some(offset) = offset {
            file.seek(SeekFrom::Start(offset)).map_err(failed)?;
        }
        let opened = Self::File { path, stat, file, whole: offset.is_none() };
        opened.check()?;
        Ok(opened)
    }

    /// The finding that it is another one.
    pub(super) fn changed(&self) -> EngineError {
        match self {
            Self::File { path, .. } | Self::Patched { path, .. } => EngineError::Changed { path: (*path).clone() },
            Self::Made(_) => EngineError::Changed { path: PathBuf::new() },
        }
    }

    /// Whether the open file is still the one that the walk saw.
    fn check(&self) -> Result<(), EngineError> {
        let (path, stat, file) = match self {
            Self::File { path, stat, file, .. } => (path, stat, file),
            Self::Patched { path, stat, patched } => (path, stat, patched.file()),
            Self::Made(_) => return Ok(()),
        };
        let meta = file.metadata().map_err(|source| EngineError::Read { path: (*path).clone(), source })?;
        if stat.is_of(&meta) { Ok(()) } else { Err(self.changed()) }
    }

    /// The next bytes, as many as the buffer has.
    pub(super) fn fill(&mut self, buffer: &mut [u8]) -> Result<(), EngineError> {
        match self {
            Self::Made(bytes) => {
                let (now, later) = bytes.split_at(buffer.len());
                buffer.copy_from_slice(now);
                *bytes = later;
                Ok(())
            }
            Self::File { path, file, .. } => file.read_exact(buffer).map_err(|source| ended(path, source)),
            Self::Patched { path, patched, .. } => patched.read_exact(buffer).map_err(|source| ended(path, source)),
        }
    }

    /// After the last byte: nothing may follow, and the file must not have been written meanwhile.
    pub(super) fn finish(&mut self) -> Result<(), EngineError> {
        if let Self::File { file, path, whole: true, .. } = self {
            let mut more = [0];
            let count = file.read(&mut more).map_err(|source| EngineError::Read { path: path.clone(), source })?;
            if count > 0 {
                return Err(self.changed());
            }
        }
        self.check()
    }
}

/// A file that ends before its time has changed.
fn ended(path: &Path, source: io::Error) -> EngineError {
    let path = path.to_path_buf();
    if source.kind() == io::ErrorKind::UnexpectedEof {
        EngineError::Changed { path }
    } else {
        EngineError::Read { path, source }
    }
}
