//! Stores in files that may change while the process runs, as those of a mounted Secret do.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::{StoreError, TlsIdentity, TlsOptions, store};

/// A store is a few KiB. A longer file is something else.
const LENGTH_MAX: u64 = 4 * 1024 * 1024;

/// The files with the trusted certificates and the client certificate.
#[derive(Clone, PartialEq, Eq)]
pub struct TlsFiles {
    pub trust_store: PathBuf,
    pub key_store: Option<PathBuf>,
    /// The password of both stores, and of the private key.
    pub password: String,
}

/// Hides the password.
impl fmt::Debug for TlsFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { trust_store, key_store, password: _ } = self;
        f.debug_struct("TlsFiles")
            .field("trust_store", trust_store)
            .field("key_store", key_store)
            .finish_non_exhaustive()
    }
}

/// When each file was written last; `None` for a file that is not there.
pub(in crate::transport) type Stamp = [Option<SystemTime>; 2];

impl TlsFiles {
    pub(in crate::transport) fn stamp(&self) -> Stamp {
        let written = |path: &Path| std::fs::metadata(path).and_then(|data| data.modified()).ok();
        [written(&self.trust_store), self.key_store.as_deref().and_then(written)]
    }

    /// Reads both stores. The second part says why there is no client certificate: few clusters require one.
    pub(in crate::transport) fn read(&self) -> Result<(TlsOptions, Option<String>), String> {
        let password = self.password.as_str();
        let authorities = read(&self.trust_store, |bytes| store::trusted(bytes, password))?;
        let identity: Result<TlsIdentity, String> = match &self.key_store {
            Some(path) => read(path, |bytes| store::identity(bytes, password)),
            None => Err("no key store is configured".to_owned()),
        };
        let (identity, why_none) = match identity {
            Ok(identity) => (Some(identity), None),
            Err(why) => (None, Some(why)),
        };
        Ok((TlsOptions { authorities, identity }, why_none))
    }
}

fn read<T>(path: &Path, parse: impl FnOnce(&[u8]) -> Result<T, StoreError>) -> Result<T, String> {
    let shown = path.display();
    let failed = |error: &dyn fmt::Display| format!("{shown}: {error}");
    let length = std::fs::metadata(path).map_err(|error| failed(&error))?.len();
    if length > LENGTH_MAX {
        return Err(failed(&"it is too long for a store"));
    }
    let bytes = std::fs::read(path).map_err(|error| failed(&error))?;
    parse(&bytes).map_err(|error| failed(&error))
}
