//! The codes of hints and their sentences. A code that is published does not change; `{}` is a gap that the case fills.

macro_rules! codes {
    ($($name:ident = $code:literal, $english:literal, $chinese:literal;)*) => {
        /// What a hint is about, beside what the contract's ack rules tell.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Code {
            $($name,)*
        }

        impl Code {
            /// Every code.
            #[cfg(test)]
            pub(crate) const ALL: &[Self] = &[$(Self::$name,)*];

            /// The name for scripts.
            pub(crate) const fn name(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            pub(super) const fn english(self) -> &'static str {
                match self { $(Self::$name => $english,)* }
            }

            pub(super) const fn chinese(self) -> &'static str {
                match self { $(Self::$name => $chinese,)* }
            }
        }
    };
}

codes! {
    // The answer was 2xx and did not acknowledge.
    SuccessInHtml = "success-in-html",
        "The answer says success, but within an HTML page. Answer with the text success alone, without a page around it.",
        "应答中有 success，但位于 HTML 页面之内：请只返回字符串 success，不要外加页面。";
    SuccessMissing = "code-without-success",
        "The answer has code 200, but no resultMsg success. Set the endpoint's ackRule to success-or-code, or answer with the text success.",
        "应答中 code 为 200，但 resultMsg 不是 success：请将该地址的 ackRule 设为 success-or-code，或返回字符串 success。";
    Compressed = "compressed",
        "The answer is compressed, although it was asked for without (Accept-Encoding: identity). Switch compression off for this path.",
        "应答被压缩了，而请求要求不压缩（Accept-Encoding: identity）：请对该路径关闭压缩。";
    Utf16 = "utf-16",
        "The answer is UTF-16. Answer in UTF-8, or in ASCII.",
        "应答的编码是 UTF-16：请用 UTF-8 或 ASCII 返回。";
    LongAnswer = "long-answer",
        "The answer is longer than 4 KiB and does not acknowledge. Answer with the text success alone.",
        "应答超过 4 KiB，且不表示成功：请只返回字符串 success。";
    // The status refused.
    RedirectTo = "redirect",
        "The receiver redirects to {}, perhaps a login page; redirects are not followed. Configure the address that answers itself, and let it take callbacks without a login.",
        "接收方重定向到 {}（可能是登录页）；不跟随重定向。请配置直接应答的地址，并允许回调免登录访问。";
    BadRequest = "bad-request",
        "The receiver does not take the content (status {}). Its answer or its log says what it misses; compare with the sample in the request.",
        "接收方不接受内容（状态码 {}）：请看其应答或日志说明缺少什么，并与请求中的样例对照。";
    Unauthorized = "unauthorized",
        "The receiver does not let ringback in (status {}). Most likely it checks the signature with another signing secret: compare the two, and give it the endpoint's. If it asks for credentials or a header, set them, or check that they are right.",
        "接收方拒绝访问（状态码 {}）：最可能是它用另一个签名密钥验签，请核对并改用该地址的签名密钥；如它要求凭证或请求头，请设置 credentials 或 headers，并检查是否正确。";
    NotFound = "not-found",
        "There is nothing at this path (status {}). Check the path of the URL.",
        "该路径不存在（状态码 {}）：请检查 URL 的路径。";
    MethodNotAllowed = "method-not-allowed",
        "The receiver does not take POST at this path (status 405). Check the path of the URL, and that POST is allowed there.",
        "接收方在该路径不接受 POST（状态码 405）：请检查 URL 的路径，并允许 POST。";
    TooLarge = "too-large",
        "The body is too large for the receiver (status 413). Let it and the proxies before it take up to 1 MiB.",
        "正文超过接收方的限制（状态码 413）：请让接收方及其前面的代理接受最大 1 MiB。";
    TextNotTaken = "unsupported-media-type",
        "The status is 415: the receiver does not take text/plain. Set the endpoint's contentType to json.",
        "返回状态码 415：接收方不支持 text/plain，请将该地址的 contentType 设为 json。";
    TooManyRequests = "too-many-requests",
        "The receiver asks for fewer requests (status 429). Set the endpoint's rateLimit, or a smaller maxInFlight.",
        "接收方要求减少请求（状态码 429）：请设置该地址的 rateLimit，或减小 maxInFlight。";
    ServerError = "server-error",
        "The receiver, or a proxy before it, failed (status {}). Its log says why.",
        "接收方或其前面的代理出错（状态码 {}）：请查看其日志。";
    // There was no answer.
    AddressBlocked = "address-blocked",
        "The host has a {} address, which is not sent to. If it is meant, add its range to RINGBACK_OUTBOUND_ALLOW (outbound_allow in the file).",
        "该主机的地址属于 {} 类，不允许发送。如确需访问，请将其网段加入 RINGBACK_OUTBOUND_ALLOW（配置文件中为 outbound_allow）。";
    Blocked = "blocked",
        "Nothing was sent: the endpoint's settings cannot be used any more. Put them anew; the answer says what is wrong.",
        "没有发送：该地址的设置已无法使用。请重新提交设置，应答会说明原因。";
    DnsFailed = "dns-failed",
        "The name service does not know the host. Check the host of the URL for a slip.",
        "域名无法解析：请检查 URL 的主机名是否有误。";
    DnsTimedOut = "dns-timed-out",
        "The name service did not answer in time. Check the name servers of this machine and of the receiver's domain.",
        "域名解析超时：请检查本机和接收方域名的 DNS 服务器。";
    ConnectRefused = "connect-refused",
        "Nothing listens at the address: connection refused. Check the port of the URL, and that the receiver runs.",
        "连接被拒绝：该端口没有服务在监听。请检查 URL 的端口，并确认接收方已启动。";
    Unreachable = "unreachable",
        "Check host and port of the URL, and that firewalls on the way let this machine through.",
        "请检查 URL 的主机和端口，并确认沿途的防火墙允许本机访问。";
    ConnectTimedOut = "connect-timed-out",
        "No connection was made within 5 s: a firewall probably drops it. Let the receiver's side admit the source address that ringback check-config prints.",
        "5 秒内没有建立连接，可能被防火墙丢弃：请让接收方放行 ringback check-config 显示的来源地址。";
    AnswerTimedOut = "answer-timed-out",
        "The receiver took the request but did not answer in time. Let it answer first and work then, or raise the endpoint's timeout (up to 60s).",
        "接收方收到了请求，但应答超时：请让接收方先应答再处理，或调大该地址的 timeout（最大 60s）。";
    TlsTimedOut = "tls-timed-out",
        "The TLS handshake did not end in time. Check that the port speaks TLS, and that nothing on the way holds it up.",
        "TLS 握手超时：请确认该端口使用 TLS，且沿途没有设备阻挡。";
    TlsNameMismatch = "tls-name-mismatch",
        "The receiver's certificate is for other names than the host of the URL. Use a host that it names, or have one made for this host.",
        "接收方的证书不包含 URL 中的主机名：请使用证书中的主机名，或为该主机名签发证书。";
    TlsExpired = "tls-expired",
        "The receiver's certificate has expired. It must be renewed there.",
        "接收方的证书已过期：请在接收方更新证书。";
    TlsNotYetValid = "tls-not-yet-valid",
        "The receiver's certificate is not valid yet. Check its dates, and the clock of this machine.",
        "接收方的证书尚未生效：请检查证书的日期和本机的时钟。";
    TlsUnknownIssuer = "tls-unknown-issuer",
        "The issuer of the receiver's certificate is not trusted here. Set the endpoint's tlsCa to its authority, or let the receiver send the whole chain.",
        "接收方证书的签发机构不受信任：请将其 CA 证书设为该地址的 tlsCa，或让接收方发送完整的证书链。";
    TlsAuthorityAsServer = "tls-authority-as-server",
        "The receiver shows an authority's certificate (CA:TRUE) as its own, as openssl req -x509 makes it. Have it made with -addext basicConstraints=critical,CA:FALSE and the host in subjectAltName, and set the endpoint's tlsCa to it.",
        "接收方把 CA 证书（CA:TRUE）用作服务器证书，openssl req -x509 默认就是这样。请加上 -addext basicConstraints=critical,CA:FALSE 并在 subjectAltName 中写明主机名，重新生成证书，再将其设为该地址的 tlsCa。";
    TlsCertificate = "tls-certificate",
        "The receiver's certificate is faulty. Have another one made.",
        "接收方的证书有问题：请重新签发。";
    TlsHandshake = "tls-handshake",
        "The two sides could not agree on TLS. The receiver must speak TLS 1.2 or 1.3, and HTTP/1.1.",
        "双方无法就 TLS 达成一致：接收方需支持 TLS 1.2 或 1.3，以及 HTTP/1.1。";
    TlsOnHttpPort = "tls-on-http-port",
        "The port does not speak TLS. Let the URL begin with http://, or use the receiver's TLS port.",
        "该端口不使用 TLS：请将 URL 改为 http:// 开头，或使用接收方的 TLS 端口。";
    TlsClientCertificate = "tls-client-certificate",
        "The receiver asks for a client certificate that it accepts. Set the endpoint's clientCertificate, or have one made by an authority that the receiver trusts.",
        "接收方要求其认可的客户端证书：请设置该地址的 clientCertificate，或由接收方信任的机构签发证书。";
    HttpOnTlsPort = "http-on-tls-port",
        "The answer was not HTTP: the port probably speaks TLS. Let the URL begin with https://.",
        "应答不是 HTTP，该端口可能使用 TLS：请将 URL 改为 https:// 开头。";
    NotHttp = "not-http",
        "The answer was not HTTP/1. Check that the port is that of a web server.",
        "应答不是 HTTP/1：请确认该端口是 Web 服务器的端口。";
    BrokenOff = "broken-off",
        "The answer broke off before its end: its Content-Length or its chunks do not fit what was sent. Check the receiver, and the proxies before it.",
        "应答在结束前中断，Content-Length 或分块与实际内容不符：请检查接收方及其前面的代理。";
    Closed = "closed",
        "The receiver closed the connection without an answer. Its log may say why; if its port speaks TLS, let the URL begin with https://.",
        "接收方没有应答就关闭了连接：请查看其日志；如该端口使用 TLS，请将 URL 改为 https:// 开头。";
    HeadTooLong = "head-too-long",
        "The head of the answer is longer than 64 KiB. Let the receiver send fewer headers.",
        "应答头超过 64 KiB：请让接收方减少响应头。";
    // The way that the installation sets.
    Bind = "bind-failed",
        "No connection can be made from the address of RINGBACK_OUTBOUND_BIND: it is none of this machine, or of another kind (IPv4, IPv6) than the receiver's.",
        "无法从 RINGBACK_OUTBOUND_BIND 的地址建立连接：它不是本机的地址，或与接收方地址的类型（IPv4、IPv6）不同。";
    Proxy = "proxy-unreachable",
        "The egress proxy made no connection. Check RINGBACK_OUTBOUND_PROXY, and that the proxy runs.",
        "出口代理没有建立连接：请检查 RINGBACK_OUTBOUND_PROXY，并确认代理已启动。";
    ProxyRefused = "proxy-refused",
        "The egress proxy answered with status {}. Let it allow CONNECT to the receiver's address and port; 407 asks for a user name and a password in RINGBACK_OUTBOUND_PROXY.",
        "出口代理返回状态码 {}：请允许其以 CONNECT 连接接收方的地址和端口；407 表示需要在 RINGBACK_OUTBOUND_PROXY 中给出用户名和密码。";
    // The access token of the endpoint's credentials.
    TokenAddress = "token-unreachable",
        "No access token: the token address gave no answer, and nothing was sent to the endpoint. Check tokenUrl in the endpoint's credentials; the detail says what failed.",
        "没有访问令牌：令牌地址没有应答，回调没有发出。请检查该地址 credentials 中的 tokenUrl；detail 说明了失败原因。";
    TokenRefused = "token-refused",
        "No access token: the token address refused, and nothing was sent to the endpoint. Check clientId, clientSecret, scope, audience and auth in the endpoint's credentials.",
        "没有访问令牌：令牌地址拒绝了请求，回调没有发出。请检查该地址 credentials 中的 clientId、clientSecret、scope、audience 和 auth。";
    TokenAnswer = "token-answer",
        "No access token: the token address answered without a bearer token, and nothing was sent to the endpoint. Check that tokenUrl is the address of tokens.",
        "没有访问令牌：令牌地址的应答中没有 bearer 令牌，回调没有发出。请确认 tokenUrl 是获取令牌的地址。";
}
