//! Messages, and what the recorded vectors do not cover.

use super::*;
use crate::{conf::Configuration, flink_version::FlinkVersion};

fn job_manager(settings: &[(&str, &str)]) -> Result<JobManagerMemory, String> {
    let configuration: Configuration = settings.iter().copied().collect();
    job_manager_memory(&configuration, FlinkVersion::V2_2).map_err(|error| error.to_string())
}

#[test]
fn a_process_that_is_too_small_is_refused_with_what_it_needs() {
    insta_free(&job_manager(&[("jobmanager.memory.process.size", "448m")]).unwrap_err());
}

fn insta_free(message: &str) {
    assert_eq!(
        message,
        "jobmanager.memory.process.size: 448m is not allowed: Flink's memory is 0 bytes, and \
         jobmanager.memory.off-heap.size takes 128 mb of it, so there is no heap left; allowed: a \
         size that leaves more than 128 mb for Flink's memory"
    );
}
