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
tick_ms = 0
requests_per_second = 100
)",
                           given);
  REQUIRE(config.ok());
  CHECK(config->listen.size() == 2);
  CHECK(config->http.size() == 1);
  CHECK(config->tokens == "mine");
  CHECK(config->workers == 3);
  CHECK(config->session.query_ms == 5);
  CHECK(config->tick_ms == 0);
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

TEST_CASE("digests are tables of their own") {
  const auto config = read(R"(
workers = 2
[[digest]]
name = "on-call"
directory = "/var/lib/digests"
projects = [7, "shop"]
rules = ["New issues"]
minimum_delay_s = 60
maximum_delay_s = 600
[[digest]]
name = "all"
directory = "out"
)");
  REQUIRE(config.ok());
  REQUIRE(config->digests.size() == 2);
  const DigestConfig& one = config->digests[0];
  CHECK(one.name == "on-call");
  CHECK(one.projects == std::vector<std::string>{"7", "shop"});
  CHECK(one.rules == std::vector<std::string>{"New issues"});
  CHECK(one.minimum_delay_s == 60);
  CHECK(one.increment_delay_s == 30);
  CHECK(one.maximum_delay_s == 600);
  CHECK(config->digests[1].projects.empty());
  CHECK(config->digests[1].maximum_delay_s == 1800);

  const std::string fine = "[[digest]]\nname = \"a\"\ndirectory = \"d\"\n";
  REQUIRE(read(fine).ok());
  for (const std::string& text :
       {std::string("digest = 7"), std::string("digest = [7]"), std::string("[[digest]]\n"),
        std::string("[[digest]]\nname = \"a\""), std::string("[[digest]]\ndirectory = \"d\""),
        std::string("[[digest]]\nname = \"../a\"\ndirectory = \"d\""),
        std::string("[[digest]]\nname = \".a\"\ndirectory = \"d\""), fine + fine,
        fine + "projects = []", fine + "projects = [1.5]", fine + "projects = \"shop\"",
        fine + "minimum_delay_s = 4000", fine + "minimum_delay_s = -1", fine + "limit = 0",
        fine + "limit = 5000", fine + "delay = 3", fine + "maximum_delay_s = 4000000000"}) {
    INFO(text);
    const auto refused = read(text);
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().code == ErrorCode::InvalidArgument);
    CHECK(refused.error().message.find("line ") != std::string::npos);
  }
}
