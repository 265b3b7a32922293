//! A connection to one server.

use redis::aio::MultiplexedConnection;

use crate::document::Document;

/// An open connection.
pub(crate) enum Connection {
    Postgres(tokio_postgres::Client),
    Redis(Box<MultiplexedConnection>),
}

impl Connection {
    /// Logs in.
    pub(crate) async fn open(document: &Document) -> Result<Self, String> {
        match document.engine.as_str() {
            "postgres" => postgres(document).await,
            "redis" => redis(document).await,
            other => Err(format!("no client for `{other}`")),
        }
    }

    /// One request.
    pub(crate) async fn ask(&mut self) -> Result<(), String> {
        match self {
            Self::Postgres(client) => {
                client.simple_query("SELECT 1").await.map(drop).map_err(|error| error.to_string())
            }
            Self::Redis(connection) => redis::cmd("GET")
                .arg("greeting")
                .query_async::<Option<String>>(&mut **connection)
                .await
                .map(drop)
                .map_err(|error| error.to_string()),
        }
    }
}

async fn postgres(document: &Document) -> Result<Connection, String> {
    let mut config = tokio_postgres::Config::new();
    config.host(&document.host).port(document.port).dbname("postgres");
    config.user(&document.username).password(&document.password);
    let (client, connection) =
        config.connect(tokio_postgres::NoTls).await.map_err(|error| error.to_string())?;
    // It ends with the client; what goes wrong is told to whoever asks next.
    tokio::spawn(connection);
    Ok(Connection::Postgres(client))
}

async fn redis(document: &Document) -> Result<Connection, String> {
    let settings = redis::RedisConnectionInfo::default()
        .set_username(&document.username)
        .set_password(&document.password);
    let address = redis::ConnectionAddr::Tcp(document.host.clone(), document.port);
    let info = redis::IntoConnectionInfo::into_connection_info(address).map_err(|error| error.to_string())?;
    let client = redis::Client::open(info.set_redis_settings(settings)).map_err(|error| error.to_string())?;
    let connection = client.get_multiplexed_async_connection().await.map_err(|error| error.to_string())?;
    Ok(Connection::Redis(Box::new(connection)))
}
