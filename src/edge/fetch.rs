//! What URLs answer, bounded in size and time: inventories and geofeeds.
//!
//! Blocking: called from `main` before there is a runtime, and from a blocking thread on reload.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use reqwest::StatusCode;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;
use url::Url;

use super::client::{self, ClientError};

/// How long a URL may take to answer, from the first packet to the last byte.
const TIMEOUT: Duration = Duration::from_secs(30);

/// What a URL answers, of at most so many bytes.
pub(super) fn fetch(url: &Url, at_most: usize) -> Result<Vec<u8>, FetchError> {
    runtime()?.block_on(get(url.clone(), at_most))
}

/// What several URLs answer, all of them asked at once.
pub(super) fn fetch_all(
    urls: impl IntoIterator<Item = Url>,
    at_most: usize,
) -> Result<BTreeMap<Url, Result<Vec<u8>, FetchError>>, FetchError> {
    runtime()?.block_on(async {
        let mut asked = JoinSet::new();
        for url in urls {
            asked.spawn(async move { (url.clone(), get(url, at_most).await) });
        }
        let mut answers = BTreeMap::new();
        while let Some(answered) = asked.join_next().await {
            answers.extend(answered.ok());
        }
        Ok(answers)
    })
}

fn runtime() -> Result<Runtime, FetchError> {
    Builder::new_current_thread().enable_all().build().map_err(FetchError::Runtime)
}

async fn get(url: Url, at_most: usize) -> Result<Vec<u8>, FetchError> {
    let mut response = client::build(TIMEOUT)?.get(url).send().await?;
    if !response.status().is_success() {
        return Err(FetchError::Status(response.status()));
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > at_most {
            return Err(FetchError::TooLarge(at_most >> 20));
        }
    }
    Ok(bytes)
}

/// Why a URL gave nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    #[error("no runtime ({0})")]
    Runtime(#[source] io::Error),
    #[error("no client ({0})")]
    Client(#[from] ClientError),
    #[error("{}", client::innermost(.0))]
    Http(#[from] reqwest::Error),
    #[error("it answers {0}")]
    Status(StatusCode),
    #[error("the answer is larger than {0} MiB")]
    TooLarge(usize),
}
