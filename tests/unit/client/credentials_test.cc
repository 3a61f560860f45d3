// How to get in is taken out of the words before anybody else sees them.
#include "client/credentials.h"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>

#include "support/temp_dir.h"

using namespace cairn;
using namespace cairn::client;

namespace {

using Words = std::vector<std::string>;

// The tests say all that the environment says.
struct Environment {
  Environment() { clear(); }
  ~Environment() { clear(); }
  static void clear() {
    for (const char* name : {"CAIRN_TOKEN", "CAIRN_TOKEN_FILE", "CAIRN_CA"}) ::unsetenv(name);
  }
};

}  // namespace

TEST_CASE("options of a connection are no words of the verb") {
  const Environment none;
  Words words = {"query", "--token", "t1", "tcp:h:1", "--tls-ca=ca.pem", "is:unresolved", "--json"};
  const auto taken = take_credentials(words);
  REQUIRE(taken.ok());
  CHECK(taken->token == "t1");
  CHECK(taken->tls_ca == "ca.pem");
  CHECK(words == Words{"query", "tcp:h:1", "is:unresolved", "--json"});
}

TEST_CASE("what stands behind -- is the verb's") {
  const Environment none;
  Words words = {"query", "s", "--", "--token", "t1"};
  const auto taken = take_credentials(words);
  REQUIRE(taken.ok());
  CHECK(taken->token.empty());
  CHECK(words.size() == 5);
}

TEST_CASE("the environment says what the words do not") {
  const Environment none;
  ::setenv("CAIRN_TOKEN", "t2", 1);
  ::setenv("CAIRN_CA", "its.pem", 1);
  Words words = {"query", "s"};
  CHECK(take_credentials(words)->token == "t2");
  CHECK(take_credentials(words)->tls_ca == "its.pem");
  words = {"query", "s", "--token", "t3", "--tls-ca", "mine.pem"};
  const auto taken = take_credentials(words);
  CHECK(taken->token == "t3");
  CHECK(taken->tls_ca == "mine.pem");
}

TEST_CASE("a token in a file") {
  const Environment none;
  const testing::TempDir dir;
  std::ofstream(dir / "token") << "t4\n";
  std::ofstream(dir / "empty") << "\n";
  std::ofstream(dir / "two") << "t4\nt5\n";
  std::ofstream(dir / "long") << std::string(10'000, 'x');
  const auto with = [](const std::string& path) {
    Words words = {"query", "s", "--token-file", path};
    return take_credentials(words);
  };
  CHECK(with(dir / "token")->token == "t4");
  for (const char* wrong : {"empty", "two", "long"}) {
    INFO(wrong);
    CHECK(with(dir / wrong).error().code == ErrorCode::InvalidArgument);
  }
  CHECK(with(dir / "none").error().code == ErrorCode::NotFound);
  ::setenv("CAIRN_TOKEN_FILE", (dir / "token").c_str(), 1);
  Words words = {"query", "s"};
  CHECK(take_credentials(words)->token == "t4");
}

TEST_CASE("what is half said is refused") {
  const Environment none;
  Words words = {"query", "s", "--token"};
  CHECK(take_credentials(words).error().message.find("--token") == 0);
  words = {"query", "s", "--token", "a", "--token-file", "b"};
  CHECK(take_credentials(words).error().code == ErrorCode::InvalidArgument);
}
