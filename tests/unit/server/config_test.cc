#include "server/config.h"

#include <catch2/catch.hpp>
#include <fstream>

#include "support/temp_dir.h"

using namespace cairn;
using namespace cairn::server;
using cairn::testing::TempDir;

namespace {

Result<Config> read(const std::string& text, Config config = {}) {
  const TempDir dir;
  const std::string path = dir.path() + "/cairn.toml";
  std::ofstream(path) << text;
  CAIRN_TRY(read_config(path, config));
  return config;
}

Config with(const std::string& listen) {
  Config config;
  config.listen.push_back(*rpc::parse_address(listen));
  return config;
}

}  // namespace

TEST_CASE("a file sets what the command line did not") {
  Config given;
  given.tokens = "mine";
  const auto config = read(R"(
listen = ["unix:/a", "tcp:127.0.0.1:7"]
http = ["tcp:127.0.0.1:8"]
tokens = "theirs"
workers = 3
query_ms = 5
requests_per_second = 100
)",
                           given);
  REQUIRE(config.ok());
  CHECK(config->listen.size() == 2);
  CHECK(config->http.size() == 1);
  CHECK(config->tokens == "mine");
  CHECK(config->workers == 3);
  CHECK(config->session.query_ms == 5);
  CHECK(config->session.requests_per_second == 100);
  CHECK(config->session.calls == Config{}.session.calls);
}

TEST_CASE("what a file cannot say is refused with its line") {
  for (const std::string text :
       {"workrs = 3", "workers = -1", "workers = \"3\"", "workers = 3.5", "workers = 99999999999",
        "listen = \"unix:/a\"", "listen = [\"nowhere\"]", "listen = [7]", "tokens = 7",
        "workers = 3\nworkers = 4", "workers ="}) {
    INFO(text);
    const auto config = read(text);
    REQUIRE_FALSE(config.ok());
    CHECK(config.error().code == ErrorCode::InvalidArgument);
    CHECK(config.error().message.find("line ") != std::string::npos);
  }
}

TEST_CASE("a public address needs TLS and tokens, unless forced") {
  CHECK(check_config(with("unix:/a"), false).ok());
  CHECK(check_config(with("tcp:127.0.0.1:1"), false).ok());
  CHECK_FALSE(check_config(with("tcp:0.0.0.0:1"), false).ok());
  CHECK_FALSE(check_config(with("tcp:0.0.0.0:1"), true).ok());
  Config tls = with("tls:0.0.0.0:1");
  CHECK_FALSE(check_config(tls, true).ok());  // no certificate
  tls.certificate = "c";
  tls.key = "k";
  CHECK(check_config(tls, true).ok());
  CHECK_FALSE(check_config(tls, false).ok());
  Config forced = with("tcp:0.0.0.0:1");
  forced.force_insecure = true;
  CHECK(check_config(forced, false).ok());
  Config http = with("unix:/a");
  http.http.push_back(*rpc::parse_address("tcp:10.0.0.1:80"));
  CHECK_FALSE(check_config(http, true).ok());
  CHECK_FALSE(check_config(Config{}, true).ok());
}
