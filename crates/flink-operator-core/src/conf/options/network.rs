//! Addresses, ports and the REST API of a cluster.

use jiff::SignedDuration;

use crate::conf::ConfigOption;

/// Address under which clients reach the REST API.
pub const REST_ADDRESS: ConfigOption<String> =
    ConfigOption::new("rest.address").fallback(&["jobmanager.rpc.address"]);

/// Port of the REST API for clients.
pub const REST_PORT: ConfigOption<i32> =
    ConfigOption::new("rest.port").fallback(&["web.port"]).default_text("8081");

/// Port or range of ports to which the REST API binds.
pub const REST_BIND_PORT: ConfigOption<String> = ConfigOption::new("rest.bind-port")
    .fallback(&["rest.port", "web.port", "jobmanager.web.port"])
    .default_text("8081");

/// Address to which the REST API binds.
pub const REST_BIND_ADDRESS: ConfigOption<String> =
    ConfigOption::new("rest.bind-address").fallback(&["web.address", "jobmanager.web.address"]);

/// How long the result of a savepoint can be asked for.
pub const REST_ASYNC_STORE_DURATION: ConfigOption<SignedDuration> =
    ConfigOption::new("rest.async.store-duration").default_text("5 min");

/// Whether all endpoints have TLS. Only Flink 1 reads it, where an endpoint has no option of its own.
pub const SSL_ENABLED: ConfigOption<bool> =
    ConfigOption::new("security.ssl.enabled").default_text("false");

/// Whether the REST API has TLS.
pub const REST_SSL_ENABLED: ConfigOption<bool> =
    ConfigOption::new("security.ssl.rest.enabled").default_text("false");

/// Whether clients of the REST API need a certificate.
pub const REST_SSL_AUTHENTICATION_ENABLED: ConfigOption<bool> =
    ConfigOption::new("security.ssl.rest.authentication-enabled").default_text("false");

/// SHA-1 digests of the certificates of the REST API that clients accept, separated by commas.
pub const REST_SSL_CERT_FINGERPRINT: ConfigOption<String> =
    ConfigOption::new("security.ssl.rest.cert.fingerprint");

/// Whether clients of the REST API verify that the certificate names the host, since Flink 2.3.
pub const REST_SSL_VERIFY_HOSTNAME: ConfigOption<bool> =
    ConfigOption::new("security.ssl.rest.verify-hostname").default_text("false");

/// The older name of the same. REST clients before Flink 2.3 do not read it.
pub const SSL_VERIFY_HOSTNAME: ConfigOption<bool> =
    ConfigOption::new("security.ssl.verify-hostname").default_text("false");

/// Versions of TLS, separated by commas.
pub const SSL_PROTOCOL: ConfigOption<String> =
    ConfigOption::new("security.ssl.protocol").default_text("TLSv1.2");

/// Cipher suites, separated by commas.
pub const SSL_ALGORITHMS: ConfigOption<String> = ConfigOption::new("security.ssl.algorithms")
    .default_text("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384");

/// Whether the web interface can cancel jobs.
pub const WEB_CANCEL_ENABLE: ConfigOption<bool> =
    ConfigOption::new("web.cancel.enable").default_text("true");

/// Address of the JobManager's RPC.
pub const JOB_MANAGER_RPC_ADDRESS: ConfigOption<String> =
    ConfigOption::new("jobmanager.rpc.address");

/// Port of the JobManager's RPC.
pub const JOB_MANAGER_RPC_PORT: ConfigOption<i32> =
    ConfigOption::new("jobmanager.rpc.port").default_text("6123");

/// Address to which the JobManager's RPC binds.
pub const JOB_MANAGER_BIND_HOST: ConfigOption<String> = ConfigOption::new("jobmanager.bind-host");

/// Port or range of ports of a TaskManager's RPC; 0 is any.
pub const TASK_MANAGER_RPC_PORT: ConfigOption<String> =
    ConfigOption::new("taskmanager.rpc.port").default_text("0");

/// Address of a TaskManager.
pub const TASK_MANAGER_HOST: ConfigOption<String> = ConfigOption::new("taskmanager.host");

/// Address to which a TaskManager's RPC binds.
pub const TASK_MANAGER_BIND_HOST: ConfigOption<String> = ConfigOption::new("taskmanager.bind-host");

/// Port or range of ports of the server for jars; 0 is any.
pub const BLOB_SERVER_PORT: ConfigOption<String> =
    ConfigOption::new("blob.server.port").default_text("0");

/// Path of the file with the Kerberos key.
pub const KERBEROS_KEYTAB: ConfigOption<String> =
    ConfigOption::new("security.kerberos.login.keytab").fallback(&["security.keytab"]);

/// Kerberos identity.
pub const KERBEROS_PRINCIPAL: ConfigOption<String> =
    ConfigOption::new("security.kerberos.login.principal").fallback(&["security.principal"]);

/// Path of Kerberos' configuration.
pub const KERBEROS_KRB5_CONF: ConfigOption<String> =
    ConfigOption::new("security.kerberos.krb5-conf.path");
