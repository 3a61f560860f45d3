#include "server/webhook.h"

#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <sstream>

#include "base/mac.h"
#include "base/version.h"

namespace cairn::server {
namespace {

using alert::Verdict;

// Of an answer: read, so that it can be told, and what is behind is not waited for.
constexpr uint64_t kMostAnswer = 16u << 10;
constexpr size_t kToldBytes = 200;
constexpr kj::uint kHttpPort = 80;
constexpr kj::uint kHttpsPort = 443;

std::string hex(const Mac& mac) {
  std::string text;
  for (const uint8_t byte : mac) text += fmt::format("{:02x}", byte);
  return text;
}

Posted failure(std::string why) { return {{Verdict::Failed, {}}, std::move(why)}; }

// KJ puts the call before the system's words, and what it was given behind them.
std::string words_of(const kj::Exception& exception) {
  std::string what = exception.getDescription().cStr();
  if (const size_t given = what.find("; "); given != std::string::npos) what.resize(given);
  return what;
}

}  // namespace

std::string signature_of(std::string_view secret, std::string_view timestamp,
                         std::string_view body) {
  return hex(mac_of(secret, fmt::format("{}.{}", timestamp, body)));
}

std::optional<int64_t> parse_retry_after(std::string_view text, TimeUs now) {
  constexpr uint64_t kMostSeconds = 1'000'000'000;
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  uint64_t seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error == std::errc() && end == text.data() + text.size()) {
    return static_cast<int64_t>(std::min(seconds, kMostSeconds)) * kMicrosPerSecond;
  }
  struct tm parts {};
  const std::string copy(text);
  const char* rest = ::strptime(copy.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  if (rest == nullptr || *rest != '\0') return std::nullopt;
  const int64_t at = int64_t{::timegm(&parts)} * kMicrosPerSecond;
  return std::max<int64_t>(0, at - raw(now));
}

Verdict verdict_of(uint32_t status) {
  if (status >= 200 && status < 300) return Verdict::Delivered;
  if (status == 408 || status == 425 || status == 429 || status >= 500) return Verdict::Failed;
  return Verdict::Refused;
}

Webhook::Webhook(const Destination& destination, kj::Network& network, kj::Timer& timer,
                 Clock& clock)
    : destination_(destination), network_(network), timer_(timer), clock_(clock) {
  kj::HttpHeaderTable::Builder builder;
  retry_after_ = builder.add("Retry-After");
  table_ = builder.build();
}

Result<std::unique_ptr<Webhook>> Webhook::make(const Destination& destination, kj::Network& network,
                                               kj::Timer& timer, Clock& clock) {
  std::unique_ptr<Webhook> made(new Webhook(destination, network, timer, clock));
  const auto refused = [&](std::string_view what) {
    return make_error(ErrorCode::InvalidArgument,
                      fmt::format("destination \"{}\": {}", destination.name, what));
  };
  // read_destination() has looked at it; path and query are sent as they are written.
  std::string_view rest = destination.url;
  rest = rest.substr(0, rest.find('#'));
  const bool https = rest.starts_with("https://");
  rest.remove_prefix(std::min(rest.size(), rest.find("//") + 2));
  const size_t end = std::min(rest.find_first_of("/?"), rest.size());
  made->host_ = rest.substr(0, end);
  made->target_ = rest.substr(end);
  if (!made->target_.starts_with('/')) made->target_.insert(0, "/");
  // Behind a name, or behind the bracket of an IPv6 address.
  const size_t colon = made->host_.rfind(':');
  const bool port = colon != std::string::npos && made->host_.find(']', colon) == std::string::npos;
  made->name_ = made->host_.substr(0, port ? colon : std::string::npos);
  if (!https) return made;
  kj::TlsContext::Options options;
  kj::Vector<kj::TlsCertificate> trusted;
  std::string pem;
  if (!destination.tls_ca.empty()) {
    std::ifstream in(destination.tls_ca, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    pem = text.str();
    if (!in || pem.empty()) return refused(destination.tls_ca + ": cannot be read");
  }
  const auto problem = kj::runCatchingExceptions([&] {
    if (!pem.empty()) trusted.add(kj::TlsCertificate(kj::StringPtr(pem.c_str(), pem.size())));
    options.trustedCertificates = trusted;
    options.minVersion = kj::TlsVersion::TLS_1_2;
    made->tls_ = kj::heap<kj::TlsContext>(kj::mv(options));
  });
  KJ_IF_MAYBE (exception, problem) {
    return refused(
        fmt::format("{}: no certificates in PEM ({})", destination.tls_ca, words_of(*exception)));
  }
  return made;
}

kj::Promise<kj::Own<kj::AsyncIoStream>> Webhook::connect() {
  const kj::uint port = tls_.get() == nullptr ? kHttpPort : kHttpsPort;
  return network_.parseAddress(host_.c_str(), port)
      .then([](kj::Own<kj::NetworkAddress> address) {
        auto connecting = address->connect();
        return connecting.attach(kj::mv(address));
      })
      .then([this](kj::Own<kj::AsyncIoStream> stream) -> kj::Promise<kj::Own<kj::AsyncIoStream>> {
        if (tls_.get() == nullptr) return kj::mv(stream);
        return tls_->wrapClient(kj::mv(stream), name_.c_str());
      });
}

kj::Promise<Posted> Webhook::read(kj::HttpClient::Response response) {
  Posted posted;
  const uint32_t status = response.statusCode;
  posted.attempt.verdict = verdict_of(status);
  if (posted.attempt.verdict == Verdict::Failed) {
    KJ_IF_MAYBE (value, response.headers->get(retry_after_)) {
      posted.attempt.told_wait_us = parse_retry_after(value->cStr(), clock_.now());
    }
  }
  if (posted.attempt.verdict != Verdict::Delivered) {
    posted.why = fmt::format("{} {}", status, response.statusText.cStr());
  }
  // An answer that breaks off is none, even to a 200: who sent it may not have kept the message.
  struct Buffer {
    std::array<char, kMostAnswer> bytes;
  };
  auto buffer = kj::heap<Buffer>();
  auto& body = *response.body;
  auto reading = body.tryRead(buffer->bytes.data(), 1, buffer->bytes.size());
  return reading
      .then([&body, bytes = buffer->bytes.data()](size_t got) -> kj::Promise<size_t> {
        if (got == 0) return got;
        return body.tryRead(bytes + got, kMostAnswer - got, kMostAnswer - got)
            .then([got](size_t more) { return got + more; });
      })
      .then([posted = std::move(posted), bytes = buffer->bytes.data()](size_t got) mutable {
        if (!posted.why.empty() && got > 0) {
          posted.why += fmt::format(": {}", std::string_view(bytes, std::min(got, kToldBytes)));
        }
        return std::move(posted);
      })
      .attach(kj::mv(response.body))
      .attach(kj::mv(buffer));
}

kj::Promise<Posted> Webhook::ask(kj::Own<kj::AsyncIoStream> stream, const alert::Letter& letter) {
  auto client = kj::newHttpClient(*table_, *stream);
  kj::HttpHeaders headers(*table_);
  headers.set(kj::HttpHeaderId::HOST, host_.c_str());
  headers.set(kj::HttpHeaderId::CONTENT_TYPE, "application/json");
  headers.add("User-Agent", fmt::format("cairn/{}", kVersion).c_str());
  headers.add("Idempotency-Key", letter.id.c_str());
  const std::string timestamp = fmt::format("{}", raw(clock_.now()) / kMicrosPerSecond);
  headers.add("Cairn-Timestamp", kj::str(timestamp.c_str()));
  if (!destination_.secret.empty()) {
    const std::string text = "sha256=" + signature_of(destination_.secret, timestamp, letter.body);
    headers.add("Cairn-Signature", kj::str(text.c_str()));
  }
  auto request =
      client->request(kj::HttpMethod::POST, target_.c_str(), headers, uint64_t{letter.body.size()});
  auto& body = *request.body;
  // Who answers before all is read ends the connection for writing; the answer counts.
  auto writing = body.write(letter.body.data(), letter.body.size())
                     .attach(kj::mv(request.body))
                     .eagerlyEvaluate([](kj::Exception&&) {});
  return request.response
      .then([this](kj::HttpClient::Response&& response) { return read(kj::mv(response)); })
      .attach(kj::mv(writing))  // one by one: they go in this order
      .attach(kj::mv(client))
      .attach(kj::mv(stream));
}

kj::Promise<Posted> Webhook::post(const alert::Letter& letter) {
  auto connecting = kj::evalNow([this] { return connect(); });
  auto connected =
      timer_.timeoutAfter(destination_.connect_ms * kj::MILLISECONDS, kj::mv(connecting));
  auto answering = connected.then(
      [this, &letter](kj::Own<kj::AsyncIoStream> stream) { return ask(kj::mv(stream), letter); });
  return timer_.timeoutAfter(destination_.timeout_ms * kj::MILLISECONDS, kj::mv(answering))
      .catch_([](kj::Exception&& exception) {
        const bool late = exception.getType() == kj::Exception::Type::OVERLOADED;
        return failure(late ? "no answer in time" : words_of(exception));
      });
}

}  // namespace cairn::server
