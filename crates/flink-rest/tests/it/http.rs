//! Real connections: deadlines, limits, broken servers, and how many connections it takes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use flink_rest::jars::{JarContent, RunRequest};
use flink_rest::savepoints::{SavepointFormat, SavepointRequest, StopMode};
use flink_rest::{
    FlinkCluster, FlinkRelease, FlinkRest, HttpOptions, JarId, JarName, JobId, RestError,
    Transport, TriggerId,
};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use wiremock::matchers::{any, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

const JOB: JobId = JobId::from_bytes([0xab; 16]);
const CONFIG: &str = r#"{"flink-version":"2.3.0","flink-revision":"c0f8d1a"}"#;

fn rest() -> FlinkRest {
    FlinkRest::new(Transport::http(&HttpOptions::default()).unwrap())
}

fn cluster(address: &str) -> FlinkCluster {
    rest().cluster(&address.parse().unwrap()).unwrap()
}

/// A server that answers everything alike.
async fn server(answer: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(answer).mount(&server).await;
    server
}

/// A server that does with each connection what it is told to. Answers its address and a count of connections.
async fn raw_server<F, Fut>(serve: F) -> (String, Arc<AtomicUsize>)
where
    F: Fn(TcpStream) -> Fut + Send + 'static,
    Fut: Future<Output = std::io::Result<()>> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let connections = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&connections);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(serve(stream));
        }
    });
    (address, connections)
}

/// Reads one request without a body. Answers false at the end of the connection.
async fn read_request(stream: &mut TcpStream) -> std::io::Result<bool> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if stream.read(&mut byte).await? == 0 {
            return Ok(false);
        }
        head.push(byte[0]);
    }
    Ok(true)
}

#[tokio::test]
async fn a_call_reaches_the_server() {
    let server = server(ResponseTemplate::new(200).set_body_raw(CONFIG, "application/json")).await;
    let config = cluster(&server.uri()).config().await.unwrap();
    assert_eq!(config.release(), Some(FlinkRelease::new(2, 3)));
    let requests = server.received_requests().await.unwrap();
    let headers = &requests[0].headers;
    assert_eq!(headers["accept"], "application/json");
    assert!(headers["user-agent"].to_str().unwrap().starts_with("flink-kubernetes-operator/"));
    assert_eq!(headers.get("accept-encoding"), None);
}

/// The test above, in a process that is told to use a proxy that does not exist.
#[test]
fn proxies_of_the_environment_are_not_used() {
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "http::a_call_reaches_the_server"])
        .envs([("HTTP_PROXY", "http://127.0.0.1:1"), ("http_proxy", "http://127.0.0.1:1")])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

#[tokio::test]
async fn a_server_that_never_answers_costs_the_deadline_and_no_more() {
    let server = server(ResponseTemplate::new(200).set_delay(Duration::from_secs(30))).await;
    let begun = Instant::now();
    let error =
        cluster(&server.uri()).within(Duration::from_millis(200)).cancel(JOB).await.unwrap_err();
    assert!(
        matches!(error, RestError::TimedOut { .. }) && error.may_have_taken_effect(),
        "{error}"
    );
    assert!(error.to_string().ends_with("no complete answer within 200ms"), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn an_answer_that_drips_costs_the_deadline_and_no_more() {
    for head in ["HTTP/1.1 200 OK\r\nContent-Length: 50000\r\n\r\n", "HTTP/1.1 200 OK\r\nX-Slow: "]
    {
        let (address, _) = raw_server(move |mut stream| async move {
            read_request(&mut stream).await?;
            stream.write_all(head.as_bytes()).await?;
            loop {
                stream.write_all(b" ").await?;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
        let begun = Instant::now();
        let error =
            cluster(&address).within(Duration::from_millis(300)).config().await.unwrap_err();
        assert!(error.is_timeout(), "{error}");
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn the_deadline_follows_the_clock_of_tokio() {
    let transport = Transport::of_bytes(tower::service_fn(|_| std::future::pending()));
    let cluster = crate::fake::cluster(transport);
    for (cluster, expected) in [
        (cluster.clone(), FlinkRest::DEADLINE),
        (cluster.within(Duration::from_mins(3)), Duration::from_mins(3)),
    ] {
        let begun = tokio::time::Instant::now();
        assert!(cluster.cancel(JOB).await.unwrap_err().is_timeout());
        assert_eq!(begun.elapsed().as_secs(), expected.as_secs());
    }
}

#[tokio::test]
async fn an_answer_that_is_too_long_is_refused_before_it_is_read() {
    let announced = "HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n";
    let endless = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    for head in [announced, endless] {
        let (address, _) = raw_server(move |mut stream| async move {
            read_request(&mut stream).await?;
            stream.write_all(head.as_bytes()).await?;
            let chunk = format!("1000\r\n{}\r\n", " ".repeat(0x1000));
            if head == endless {
                loop {
                    stream.write_all(chunk.as_bytes()).await?;
                }
            }
            std::future::pending().await
        })
        .await;
        let error = cluster(&address).jobs_overview().await.unwrap_err();
        assert!(
            matches!(error, RestError::TooLarge { limit: FlinkRest::BODY_LIMIT, .. }),
            "{error}"
        );
        let error = cluster(&address).config().await.unwrap_err();
        assert!(matches!(error, RestError::TooLarge { limit: 65_536, .. }), "{error}");
    }
}

#[tokio::test]
async fn limits_hold_for_every_transport_and_can_be_lowered() {
    let (cluster, log) = crate::fake::answering(200, " ".repeat(70_000) + CONFIG);
    let error = cluster.config().await.unwrap_err();
    assert!(matches!(error, RestError::TooLarge { limit: 65_536, .. }), "{error}");
    assert_eq!(log.only().limit, 65_536);

    let transport = Transport::http(&HttpOptions::default()).unwrap();
    let server = server(ResponseTemplate::new(200).set_body_string(" ".repeat(2_000))).await;
    let lowered = FlinkRest::new(transport).with_body_limit(1_000);
    let error =
        lowered.cluster(&server.uri().parse().unwrap()).unwrap().jobs_overview().await.unwrap_err();
    assert!(matches!(error, RestError::TooLarge { limit: 1_000, .. }), "{error}");
}

/// A JobManager that runs code of one user must not take the memory from all others.
#[tokio::test]
async fn long_answers_of_all_clusters_share_one_budget_and_short_ones_need_none() {
    const LENGTH: usize = 200_000;
    let (stalled, _) = raw_server(|mut stream| async move {
        read_request(&mut stream).await?;
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {LENGTH}\r\n\r\n");
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(&vec![b' '; LENGTH / 2]).await?;
        std::future::pending().await
    })
    .await;
    let long =
        server(ResponseTemplate::new(200).set_body_string(" ".repeat(LENGTH) + r#"{"jobs": []}"#))
            .await;
    let short = server(ResponseTemplate::new(200).set_body_string(CONFIG)).await;
    let options = HttpOptions { body_bytes_in_flight: LENGTH * 3 / 2, ..HttpOptions::default() };
    let rest = FlinkRest::new(Transport::http(&options).unwrap());
    let at = |address: &str| rest.cluster(&address.parse().unwrap()).unwrap();
    let patience = Duration::from_millis(600);
    let hostile = at(&stalled).within(patience);
    let holds = tokio::spawn(async move { hostile.jobs_overview().await });
    tokio::time::sleep(patience / 3).await;
    let began = Instant::now();
    at(&short.uri()).config().await.unwrap();
    assert!(began.elapsed() < patience / 3, "a short answer does not wait");
    at(&long.uri()).jobs_overview().await.unwrap();
    assert!(began.elapsed() > patience / 3, "a long one waits until there is room for it");
    assert!(matches!(holds.await.unwrap(), Err(RestError::TimedOut { .. })));
}

#[tokio::test]
async fn an_endless_error_is_an_error_all_the_same() {
    let (address, _) = raw_server(|mut stream| async move {
        read_request(&mut stream).await?;
        stream.write_all(b"HTTP/1.1 500 Oh\r\nTransfer-Encoding: chunked\r\n\r\n").await?;
        loop {
            stream.write_all(b"4\r\nOops\r\n").await?;
        }
    })
    .await;
    let error = cluster(&address).config().await.unwrap_err();
    let answer = error.answer().unwrap();
    assert_eq!((answer.status.as_u16(), answer.text.len()), (500, 64 * 1024));
}

#[tokio::test]
async fn where_nothing_listens_nothing_was_sent() {
    let address = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let error = cluster(&address).cancel(JOB).await.unwrap_err();
    assert!(
        error.is_unreachable() && !error.may_have_taken_effect() && !error.is_timeout(),
        "{error}"
    );
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(source, "tcp connect error: Connection refused (os error 111)");
}

#[tokio::test]
async fn a_connection_that_breaks_leaves_the_outcome_open() {
    for part in ["", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 202 Accepted\r\nContent-Length: 10\r\n\r\n{"]
    {
        let (address, connections) = raw_server(move |mut stream| async move {
            read_request(&mut stream).await?;
            stream.write_all(part.as_bytes()).await
        })
        .await;
        let error = cluster(&address).cancel(JOB).await.unwrap_err();
        assert!(matches!(error, RestError::Interrupted { .. }), "{part:?}: {error:?}");
        assert!(error.may_have_taken_effect() && !error.is_unreachable(), "{error}");
        assert_eq!(connections.load(Ordering::SeqCst), 1, "nothing is sent twice");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let server = server(ResponseTemplate::new(301).insert_header("Location", "/elsewhere")).await;
    let error = cluster(&server.uri()).config().await.unwrap_err();
    assert!(error.to_string().contains("301 Moved Permanently: redirect to /elsewhere"), "{error}");
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_is_not_flinks_is_told_as_such() {
    for (status, body, expected) in [
        (200, "<html>hello</html>", "the answer cannot be read: expected value at line 1 column 1"),
        (200, "", "the answer cannot be read: EOF while parsing a value"),
        (200, "[]", "the answer cannot be read: "),
        (200, "{}", "missing field `flink-version`"),
        (200, r#"{"flink-version":17}"#, "invalid type: integer `17`, expected a string"),
        (200, r#"{"flink-version":"2.3.0"} x"#, "trailing characters"),
        (404, "404 page not found\n", "the answer is 404 Not Found: 404 page not found"),
        (
            503,
            "upstream connect error",
            "the answer is 503 Service Unavailable: upstream connect error",
        ),
        (500, r#"{"errors":[17]}"#, r#"500 Internal Server Error: {"errors":[17]}"#),
    ] {
        let server = server(ResponseTemplate::new(status).set_body_string(body)).await;
        let error = cluster(&server.uri()).config().await.unwrap_err();
        assert!(error.to_string().contains(expected), "{body}: {error}");
        assert!(!error.job_not_found());
    }
}

#[tokio::test]
async fn many_calls_take_one_connection() {
    let (address, connections) = raw_server(|mut stream| async move {
        for turn in 0.. {
            if !read_request(&mut stream).await? {
                break;
            }
            // Errors keep the connection as well.
            let (status, body) = if turn % 3 == 0 {
                ("404 Not Found", r#"{"errors":["a.B: Job could not be found."]}"#)
            } else {
                ("200 OK", "{}")
            };
            let length = body.len();
            let answer = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n{body}");
            stream.write_all(answer.as_bytes()).await?;
        }
        Ok(())
    })
    .await;
    let rest = rest();
    let mut found = (0, 0);
    for _ in 0..30 {
        // A handle of its own each time: all share the connections of the transport.
        match rest.cluster(&address.parse().unwrap()).unwrap().cancel(JOB).await {
            Ok(()) => found.0 += 1,
            Err(error) if error.job_not_found() => found.1 += 1,
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(found, (20, 10));
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_kept_connection_that_the_server_closed_is_replaced() {
    let (address, connections) = raw_server(|mut stream| async move {
        read_request(&mut stream).await?;
        let length = CONFIG.len();
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{CONFIG}");
        stream.write_all(answer.as_bytes()).await
    })
    .await;
    let cluster = cluster(&address);
    for _ in 0..3 {
        cluster.config().await.unwrap();
        // Flink closes idle connections, and pods are replaced; the client hears of it meanwhile.
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(connections.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn all_of_unicode_goes_both_ways() {
    let name = "名前 \u{202e}\"\\ 🦀 \u{1}";
    let jobs = json!({"jobs": [{"jid": JOB.to_string(), "name": name, "state": "RUNNING"}]});
    let server = server(ResponseTemplate::new(200).set_body_json(jobs)).await;
    assert_eq!(cluster(&server.uri()).jobs_overview().await.unwrap()[0].name, name);

    let (cluster, log) = crate::fake::answering(202, format!(r#"{{"request-id":"{JOB}"}}"#));
    let request = SavepointRequest {
        target_directory: Some(format!("s3://bucket/{name}")),
        format: SavepointFormat::Native,
        trigger: TriggerId::from_bytes([7; 16]),
    };
    cluster.stop_with_savepoint(JOB, &request, StopMode::Drain).await.unwrap();
    let sent: serde_json::Value = serde_json::from_slice(&log.only().body).unwrap();
    let expected = json!({
        "targetDirectory": format!("s3://bucket/{name}"), "drain": true, "formatType": "NATIVE",
        "triggerId": "07070707070707070707070707070707",
    });
    assert_eq!(sent, expected);
}

#[tokio::test]
async fn ids_go_into_paths_and_names_are_encoded_into_queries() {
    let (cluster, log) = crate::fake::answering(200, "{}");
    cluster.delete_jar(&JarId::parse("1-2_a.b-C_d.jar").unwrap()).await.unwrap();
    assert_eq!(log.only().uri, "http://my-app-rest.ns:8081/jars/1-2_a.b-C_d.jar");

    let (cluster, log) =
        crate::fake::answering(200, r#"[{"id":"a&b=c","value":"1"},{"id":"gone"}]"#);
    let metrics = cluster.job_metrics(JOB, &["a&b=c", "Source: x #1", "µ"]).await.unwrap();
    assert_eq!(metrics.into_iter().collect::<Vec<_>>(), [("a&b=c".to_owned(), "1".to_owned())]);
    assert!(log.only().uri.ends_with("/metrics?get=a%26b%3Dc,Source%3A+x+%231,%C2%B5"));
}

#[tokio::test]
async fn a_request_that_flink_could_not_read_is_not_sent() {
    let (cluster, log) = crate::fake::answering(200, "[]");
    let error = cluster.job_metrics(JOB, &[]).await.unwrap_err();
    assert!(
        error.to_string().ends_with("the request cannot be formed: no metric is asked for"),
        "{error}"
    );
    let name = "m".repeat(100);
    let error = cluster.job_metrics(JOB, &vec![name.as_str(); 40]).await.unwrap_err();
    assert!(error.to_string().contains("Flink reads 4000 at most"), "{error}");
    assert!(!error.may_have_taken_effect() && error.to_string().len() < 500, "{error}");
    assert_eq!(log.len(), 0);
    cluster.job_metrics(JOB, &vec![name.as_str(); 38]).await.unwrap();
    assert_eq!(log.len(), 1);
}

#[tokio::test]
async fn a_base_url_may_have_a_path_but_nothing_that_is_lost_or_secret() {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .and(path("/flink/my-app/config"))
        .respond_with(ResponseTemplate::new(200).set_body_raw(CONFIG, "application/json"))
        .mount(&server)
        .await;
    for end in ["", "/"] {
        let cluster = cluster(&format!("{}/flink/my-app{end}", server.uri()));
        cluster.config().await.unwrap();
        let error = cluster.overview().await.unwrap_err();
        assert!(
            error.to_string().contains(&format!("(GET {}/flink/my-app/overview)", server.uri())),
            "{error}"
        );
    }
    for (url, expected) in [
        ("ftp://host/", "the scheme must be http or https"),
        ("data:text/plain,x", "the scheme must be http or https"),
        ("http://me:hunter2@host/", "it must not contain credentials"),
        ("http://host/?a=b", "it must have neither query nor fragment"),
        ("http://host/#a", "it must have neither query nor fragment"),
    ] {
        let error = rest().cluster(&url.parse().unwrap()).unwrap_err().to_string();
        assert!(error.contains(expected) && !error.contains("hunter2"), "{error}");
    }
}

#[tokio::test]
async fn a_jar_is_streamed_from_its_file() {
    let content: Vec<u8> = (0..1_500_000u32).flat_map(u32::to_le_bytes).collect();
    let file = std::env::temp_dir().join(format!("flink-rest-upload-{}.jar", std::process::id()));
    std::fs::write(&file, &content).unwrap();
    let uploaded = json!({"filename": "/tmp/flink-web-upload/1-2_job.jar", "status": "success"});
    let server = server(ResponseTemplate::new(200).set_body_json(uploaded)).await;
    let cluster = cluster(&server.uri());
    let name = JarName::from_file_name("job.jar");
    let id = cluster.upload_jar(&name, JarContent::File(file.clone())).await.unwrap();
    assert_eq!(id.as_str(), "1-2_job.jar");

    let requests = server.received_requests().await.unwrap();
    let [request] = requests.as_slice() else { panic!("{} requests", requests.len()) };
    assert_eq!(request.headers["content-length"], request.body.len().to_string().as_str());
    assert!(request.body.windows(16).any(|window| window == &content[4_000_000..4_000_016]));
    let around = request.body.len() - content.len();
    assert!((200..400).contains(&around), "{around}");

    std::fs::remove_file(&file).unwrap();
    let error = cluster.upload_jar(&name, JarContent::File(file)).await.unwrap_err();
    assert!(
        matches!(error, RestError::Invalid { .. }) && error.to_string().contains("cannot be read"),
        "{error}"
    );
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_jar_runs_with_what_is_asked_for() {
    let (cluster, log) = crate::fake::answering(200, format!(r#"{{"jobid":"{JOB}"}}"#));
    let request = RunRequest {
        job_id: Some(JOB),
        savepoint_path: Some("s3://b/sp".to_owned()),
        ..RunRequest::default()
    };
    let jar = JarId::parse("1_job.jar").unwrap();
    assert_eq!(cluster.run_jar(FlinkRelease::new(1, 19), &jar, &request).await.unwrap(), JOB);
    let seen = log.only();
    assert_eq!(
        (seen.method.as_str(), seen.headers["content-type"].to_str().unwrap()),
        ("POST", "application/json")
    );
    let expected = format!(
        r#"{{"programArgsList":[],"jobId":"{JOB}","savepointPath":"s3://b/sp","flinkConfiguration":{{}}}}"#
    );
    assert_eq!(seen.body, expected.as_bytes());
}

#[tokio::test]
async fn https_is_refused_until_somebody_is_trusted() {
    let error = cluster("https://127.0.0.1:1").config().await.unwrap_err();
    let problem = error.tls_problem().unwrap().to_string();
    assert!(problem.contains("no usable trust store: none is configured"), "{problem}");
}
