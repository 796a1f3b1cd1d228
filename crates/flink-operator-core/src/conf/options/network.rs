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

/// Whether the REST API has TLS.
pub const REST_SSL_ENABLED: ConfigOption<bool> =
    ConfigOption::new("security.ssl.rest.enabled").default_text("false");

/// Whether clients of the REST API need a certificate.
pub const REST_SSL_AUTHENTICATION_ENABLED: ConfigOption<bool> =
    ConfigOption::new("security.ssl.rest.authentication-enabled").default_text("false");

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
