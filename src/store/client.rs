//! Clients of object stores: S3, Google Cloud Storage, Azure.
//!
//! Enters: an [`Address`] and the variables that the tools of these stores read. Leaves: a client, for what is published and for the caches
//! that machines share. Not here: what is put where.

use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::{BackoffConfig, ClientConfigKey, ClientOptions, ObjectStore, RetryConfig};

use super::{Address, Scheme, StoreError, Trouble, Variables, credentials, now, profile};

/// How long a store is waited for.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Until a connection must be there.
    pub connect: Duration,
    /// For a whole request.
    pub request: Duration,
    /// In which a request is tried again.
    pub retry: Duration,
    /// How often.
    pub retries: usize,
}

/// The client of a store, with what the environment says. Nothing is asked yet but a program for credentials.
///
/// # Errors
/// What the store needs to know is not there.
pub fn open(address: &Address, variables: &Variables, limits: Limits) -> Result<Arc<dyn ObjectStore>, StoreError> {
    let name = &*address.to_string();
    // Whoever set another before is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let retry =
        RetryConfig { backoff: BackoffConfig::default(), max_retries: limits.retries, retry_timeout: limits.retry };
    let options = ClientOptions::new().with_connect_timeout(limits.connect).with_timeout(limits.request);
    let failed = |error: object_store::Error| StoreError::of(name, Trouble::NoCredentials, &error);
    Ok(match address.scheme {
        Scheme::S3 => {
            let builder = AmazonS3Builder::new().with_retry(retry).with_client_options(options);
            let builder = s3(builder, name, variables)?.with_bucket_name(&address.bucket);
            Arc::new(builder.build().map_err(failed)?)
        }
        Scheme::Gcs => {
            let mut builder = GoogleCloudStorageBuilder::new().with_retry(retry).with_client_options(options);
            for (key, value) in settings(variables, "google_") {
                builder = builder.with_config(key, value);
            }
            if is_plain(builder.get_config_value(&GoogleConfigKey::BaseUrl)) {
                builder = builder.with_config(GoogleConfigKey::Client(ClientConfigKey::AllowHttp), "true");
            }
            let builder = builder.with_bucket_name(&address.bucket);
            Arc::new(builder.build().map_err(failed)?)
        }
        Scheme::Azure | Scheme::File => {
            let mut builder = MicrosoftAzureBuilder::new().with_retry(retry).with_client_options(options);
            for (key, value) in settings(variables, "azure_") {
                builder = builder.with_config(key, value);
            }
            if is_plain(builder.get_config_value(&AzureConfigKey::Endpoint)) {
                builder = builder.with_allow_http(true);
            }
            let builder = builder.with_container_name(&address.bucket);
            Arc::new(builder.build().map_err(failed)?)
        }
    })
}

/// Variables before profiles, as the tools of AWS have it.
fn s3(mut builder: AmazonS3Builder, name: &str, variables: &Variables) -> Result<AmazonS3Builder, StoreError> {
    let profile = profile::read(name, variables)?;
    let of_variables = variables.contains_key(std::ffi::OsStr::new("AWS_ACCESS_KEY_ID"));
    for (key, value) in [(AmazonS3ConfigKey::Region, profile.region), (AmazonS3ConfigKey::Endpoint, profile.endpoint)] {
        if let Some(value) = value {
            builder = builder.with_config(key, value);
        }
    }
    if let (Some(keys), false) = (profile.keys, of_variables) {
        builder = builder.with_access_key_id(keys.id).with_secret_access_key(keys.secret);
        builder = keys.token.into_iter().fold(builder, AmazonS3Builder::with_token);
    } else if let (Some(process), false) = (profile.process, of_variables) {
        let process = credentials::Process::new(name, process, variables.clone(), now::now);
        process.ask()?;
        builder = builder.with_credentials(Arc::new(process));
    }
    for (key, value) in settings(variables, "aws_") {
        builder = builder.with_config(key, value);
    }
    // What is for S3 alone goes before what is for all services.
    let endpoint = builder.get_config_value(&AmazonS3ConfigKey::S3Endpoint);
    let plain = is_plain(endpoint.or_else(|| builder.get_config_value(&AmazonS3ConfigKey::Endpoint)));
    Ok(if plain { builder.with_allow_http(true) } else { builder })
}

/// What the variables with this prefix set, as far as a client knows it.
fn settings<'v, K: std::str::FromStr>(variables: &'v Variables, prefix: &str) -> impl Iterator<Item = (K, &'v str)> {
    variables.iter().filter_map(move |(name, value)| {
        let name = name.to_str()?.to_ascii_lowercase();
        Some((name.starts_with(prefix).then(|| name.parse().ok())??, value.to_str()?))
    })
}

/// Whether an address is of a server without TLS. Whoever names such a one means it.
fn is_plain(endpoint: Option<String>) -> bool {
    endpoint.is_some_and(|url| url.starts_with("http://"))
}
