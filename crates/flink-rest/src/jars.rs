//! Jars on session clusters: uploading, running, deleting. Application clusters do not have these endpoints
//! ([`RestError::unknown_endpoint`]).

use std::collections::BTreeMap;
use std::path::PathBuf;

use bytes::Bytes;
use http::{HeaderValue, Method};
use serde::{Deserialize, Serialize};

use crate::client::{FlinkCluster, SMALL};
use crate::cluster::FlinkRelease;
use crate::error::RestError;
use crate::ids::{JarId, JarName, JobId};
use crate::transport::RequestBody;

/// Separates the parts of an upload. It is constant so that two runs send the same bytes. A jar does not contain these
/// 128 random bits by chance; a user who adds them on purpose only breaks the own upload.
macro_rules! boundary {
    () => {
        "flink-jar-6f1d0c5b9a8e4f7d93c2b7a1e05d4c38"
    };
}

const CONTENT_TYPE: HeaderValue =
    HeaderValue::from_static(concat!("multipart/form-data; boundary=", boundary!()));

impl FlinkCluster {
    /// Uploads a jar. The default deadline may be too short for a large one: see [`FlinkCluster::within`].
    ///
    /// # Errors
    ///
    /// A file that cannot be read is [`RestError::Invalid`], and nothing is sent.
    pub async fn upload_jar(&self, name: &JarName, jar: JarContent) -> Result<JarId, RestError> {
        let call = self.call("upload the jar", Method::POST, &["jars", "upload"]).at_most(SMALL);
        let call = match multipart(name, jar).await {
            Ok(body) => call.body(body, CONTENT_TYPE),
            Err(what) => call.invalid(what),
        };
        let answer: Uploaded = self.fetch(call).await?;
        Ok(answer.filename.0)
    }

    /// Runs the program in an uploaded jar. The answer comes when the job has been submitted.
    ///
    /// # Errors
    ///
    /// [`RestError::already_submitted`] if the job id has been used before.
    pub async fn run_jar(
        &self,
        release: FlinkRelease,
        jar: &JarId,
        request: &RunRequest,
    ) -> Result<JobId, RestError> {
        let call = self.call("run the jar", Method::POST, &["jars", jar.as_str(), "run"]);
        let answer: Started = self.fetch(call.json(&request.body(release)).at_most(SMALL)).await?;
        Ok(answer.job)
    }

    /// Deletes an uploaded jar. Flink answers 400 if it does not exist.
    pub async fn delete_jar(&self, jar: &JarId) -> Result<(), RestError> {
        let call = self.call("delete the jar", Method::DELETE, &["jars", jar.as_str()]);
        self.done(call.at_most(SMALL)).await
    }
}

/// Where the bytes of a jar are.
#[derive(Debug, Clone)]
pub enum JarContent {
    Bytes(Bytes),
    /// Streamed from disk in small pieces.
    File(PathBuf),
}

/// Makes the multipart form with the one part that Flink reads.
async fn multipart(name: &JarName, jar: JarContent) -> Result<RequestBody, String> {
    // `JarName` allows no character that needs quoting.
    let head = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"jarfile\"; filename=\"{name}\"\r\n\
         Content-Type: application/x-java-archive\r\n\r\n",
        boundary = boundary!(),
        name = name.as_str(),
    );
    let tail = concat!("\r\n--", boundary!(), "--\r\n");
    match jar {
        JarContent::Bytes(bytes) => {
            Ok(RequestBody::from(Bytes::from([head.as_bytes(), &bytes, tail.as_bytes()].concat())))
        }
        JarContent::File(path) => {
            let failed =
                |error: std::io::Error| format!("{} cannot be read: {error}", path.display());
            let file = tokio::fs::File::open(&path).await.map_err(failed)?;
            let metadata = file.metadata().await.map_err(failed)?;
            if !metadata.is_file() {
                return Err(format!("{} is not a file", path.display()));
            }
            Ok(RequestBody::around_file(Bytes::from(head), file, metadata.len(), Bytes::from(tail)))
        }
    }
}

/// How to run an uploaded jar.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RunRequest {
    /// The class with the main method; that of the jar's manifest if missing.
    pub entry_class: Option<String>,
    pub program_args: Vec<String>,
    /// The default of the cluster if missing.
    pub parallelism: Option<i32>,
    /// Flink chooses a random one if missing. With an id of the caller a repeated request cannot start the job twice.
    pub job_id: Option<JobId>,
    /// Whether the savepoint may contain state that no operator of the job takes.
    pub allow_non_restored_state: Option<bool>,
    /// The savepoint to restore from. Missing: the job starts empty.
    pub savepoint_path: Option<String>,
    /// Who owns the savepoint afterwards. Flink's default is [`ClaimMode::NoClaim`].
    pub claim_mode: Option<ClaimMode>,
    pub flink_configuration: BTreeMap<String, String>,
}

/// Who owns a savepoint after a job was restored from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ClaimMode {
    /// The job, which deletes it when it is no longer needed.
    Claim,
    /// The user. The job does not need it any more after its first checkpoint.
    NoClaim,
    /// The user, but the job may need it for an unknown time. Removed in Flink 2.
    Legacy,
}

impl RunRequest {
    /// The body for one release of Flink, which refuses unknown fields.
    fn body(&self, release: FlinkRelease) -> RunBody<'_> {
        let renamed = release >= FlinkRelease::new(1, 20);
        RunBody {
            entry_class: self.entry_class.as_deref(),
            program_args: &self.program_args,
            parallelism: self.parallelism,
            job_id: self.job_id,
            allow_non_restored_state: self.allow_non_restored_state,
            savepoint_path: self.savepoint_path.as_deref(),
            restore_mode: self.claim_mode.filter(|_| !renamed),
            claim_mode: self.claim_mode.filter(|_| renamed),
            flink_configuration: &self.flink_configuration,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RunBody<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    entry_class: Option<&'a str>,
    #[serde(rename = "programArgsList")]
    program_args: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    parallelism: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    job_id: Option<JobId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    allow_non_restored_state: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    savepoint_path: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    restore_mode: Option<ClaimMode>,
    #[serde(skip_serializing_if = "Option::is_none")]
    claim_mode: Option<ClaimMode>,
    flink_configuration: &'a BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Started {
    #[serde(rename = "jobid")]
    job: JobId,
}

#[derive(Deserialize)]
struct Uploaded {
    filename: UploadedName,
}

/// Flink sends the whole path of the file. The id is the last part.
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct UploadedName(JarId);

impl TryFrom<String> for UploadedName {
    type Error = crate::ids::IdError;

    fn try_from(path: String) -> Result<Self, Self::Error> {
        JarId::parse(path.rsplit('/').next().unwrap_or(&path)).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_claim_mode_is_sent_under_the_name_that_the_release_knows() {
        let request = RunRequest { claim_mode: Some(ClaimMode::NoClaim), ..RunRequest::default() };
        let check = |major, minor, field: &str| {
            let body = serde_json::to_value(request.body(FlinkRelease::new(major, minor))).unwrap();
            let modes: Vec<_> =
                body.as_object().unwrap().keys().filter(|key| key.ends_with("Mode")).collect();
            assert_eq!(modes, [field], "{major}.{minor}");
            assert_eq!(body[field], "NO_CLAIM");
        };
        check(1, 19, "restoreMode");
        check(1, 20, "claimMode");
        check(2, 0, "claimMode");
    }

    #[test]
    fn what_is_not_set_is_not_sent() {
        let body =
            serde_json::to_string(&RunRequest::default().body(FlinkRelease::new(2, 3))).unwrap();
        assert_eq!(body, r#"{"programArgsList":[],"flinkConfiguration":{}}"#);
    }

    #[test]
    fn the_id_of_a_jar_is_the_end_of_its_path() {
        let check =
            |json: &str| serde_json::from_str::<Uploaded>(json).map(|uploaded| uploaded.filename.0);
        let id = check(r#"{"filename":"/tmp/flink-web-upload/1-2_job.jar","status":"success"}"#)
            .unwrap();
        assert_eq!(id.as_str(), "1-2_job.jar");
        assert!(check(r#"{"filename":"/tmp/"}"#).is_err());
        assert!(check(r#"{"filename":"/tmp/.."}"#).is_err());
    }

    #[tokio::test]
    async fn bytes_and_files_are_sent_alike() {
        let path = std::env::temp_dir().join(format!("flink-rest-jar-{}", std::process::id()));
        std::fs::write(&path, b"PK\x03\x04 content").unwrap();
        let name = JarName::from_file_name("job.jar");
        let file = multipart(&name, JarContent::File(path.clone()))
            .await
            .unwrap()
            .into_bytes()
            .await
            .unwrap();
        let bytes = JarContent::Bytes(Bytes::from_static(b"PK\x03\x04 content"));
        let bytes = multipart(&name, bytes).await.unwrap().into_bytes().await.unwrap();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(file, bytes);
        assert_eq!(
            String::from_utf8(bytes.to_vec()).unwrap(),
            "--flink-jar-6f1d0c5b9a8e4f7d93c2b7a1e05d4c38\r\n\
             Content-Disposition: form-data; name=\"jarfile\"; filename=\"job.jar\"\r\n\
             Content-Type: application/x-java-archive\r\n\r\n\
             PK\u{3}\u{4} content\r\n\
             --flink-jar-6f1d0c5b9a8e4f7d93c2b7a1e05d4c38--\r\n"
        );

        for missing in [path, std::env::temp_dir()] {
            let refused = multipart(&name, JarContent::File(missing)).await;
            assert!(refused.is_err());
        }
    }
}
