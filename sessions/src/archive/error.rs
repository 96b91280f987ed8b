//! What can go wrong with an archive.

use std::io;

/// An archive can't be written or read. No variant says anything about what is inside.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// The file is something else.
    #[error("this is not an exported session")]
    NotAnArchive,
    /// A later version of the program wrote it.
    #[error("the file has format {version}, and this program reads formats up to {newest}")]
    TooNew {
        /// The file's format.
        version: u16,
        /// The newest format that this program reads.
        newest: u16,
    },
    /// Deriving the key would take more time or memory than any file of ours, or too little
    /// to be safe.
    #[error("the file asks for a key derivation that is out of bounds")]
    Parameters,
    /// Another passphrase sealed it.
    #[error("the passphrase is wrong, or the file's first bytes are damaged")]
    Passphrase,
    /// Bytes were changed, are missing or were added.
    #[error("the file is damaged or was cut short")]
    Damaged,
    /// It opens, but its content is not what this version writes.
    #[error("the file's content is not understood: {0}")]
    Content(&'static str),
    /// The card is not what this version writes.
    #[error("the file's card is not understood")]
    Card(#[source] serde_json::Error),
    /// The instance has no paired session that could be exported.
    #[error("the instance is not paired: there is no session to export")]
    NotPaired,
    /// There are rows of the instance already.
    #[error("the session database has rows of this instance already")]
    NotEmpty,
    /// No key could be derived: not enough memory.
    #[error("no key could be derived from the passphrase")]
    Derive,
    /// The system's random source failed.
    #[error("no random bytes")]
    Random,
    /// The file can't be read or written.
    #[error("the file can't be read or written")]
    Io(#[from] io::Error),
    /// The session store failed.
    #[error("the session store failed")]
    Session(#[from] crate::Error),
}
