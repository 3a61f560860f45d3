// The REPL's commands at an address: one connection for all of them, made anew when it broke.
#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <string>

#include "client/repl_session.h"
#include "support/small_server.h"
#include "support/temp_dir.h"

using namespace cairn;
using namespace cairn::client;
using testing::Fate;
using testing::SmallServer;

namespace {

std::string line(int number) {
  return fmt::format(R"({{"id":"{0:032x}","project_id":7,"fingerprint":["f{1}"],"issue_title":"T",)"
                     R"("subtitle":null,"type":1,"detection_time":{2},"event_id":"{0:032x}"}})",
                     number + 1, number % 3, 1'790'000'000 + number);
}

struct World {
  explicit World(std::function<Fate()> fate = nullptr)
      : store(*engine::Store::open(dir / "store", {})),
        server(dir / "s", *store, "", std::move(fate)) {
    std::ofstream file(dir / "in.jsonl");
    for (int i = 0; i < 30; ++i) file << line(i) << "\n";
  }
  int say(const std::string& text) {
    out.clear();
    err.clear();
    return session->run(text, {verbs::string_sink(out), verbs::string_sink(err), {}, cancelled});
  }
  void begin() {
    auto opened = open_remote_backend(server.address(), {}, "ada");
    REQUIRE(opened.ok());
    backend = std::move(opened).value();
    session.emplace(*backend, server.address());
  }

  testing::TempDir dir;
  std::unique_ptr<engine::Store> store;
  SmallServer server;
  std::unique_ptr<ReplBackend> backend;
  std::optional<ReplSession> session;
  std::atomic<bool> cancelled{false};
  std::string out;
  std::string err;
};

}  // namespace

TEST_CASE("repl_remote: queries, verbs, imports and settings at an address") {
  World world;
  world.begin();
  CHECK(world.say("import " + (world.dir / "in.jsonl")) == 0);
  const int connections = world.server.connections();
  CHECK(world.say("| count()") == 0);
  CHECK(world.out == "count()\n     30\n");
  CHECK(world.say("merge P7-1 P7-2") == 0);
  CHECK(world.say("| sort freq | fields short_id, count()") == 0);
  CHECK(world.out == "short_id  count()\nP7-1           20\nP7-3           10\n");
  CHECK(world.server.connections() == connections + 1);  // one for all, after that of the import
  CHECK(world.say("\\as-of 31") == 0);
  CHECK(world.say("| issues()") == 0);
  CHECK(world.out == "issues()\n       3\n");
  CHECK(world.say("\\as-of now") == 0);

  CHECK(world.say("is:nothing") == 1);
  CHECK(world.err.find("   ^") != std::string::npos);
  CHECK(world.say("rebuild") == 1);
  CHECK(world.err.find("is a server") != std::string::npos);
  CHECK(world.say("parse level:error") == 0);  // needs no store
  CHECK(world.out == "(= level \"error\")\n");
  CHECK(world.say("help merge") == 0);
}

TEST_CASE("repl_remote: after a lost connection the next command works") {
  auto breaks = std::make_shared<std::atomic<int>>(0);
  World world([breaks] { return breaks->fetch_sub(1) > 0 ? Fate::BreakBefore : Fate::Answer; });
  world.begin();
  CHECK(world.say("import " + (world.dir / "in.jsonl")) == 0);
  CHECK(world.say("| count()") == 0);
  *breaks = 1;
  CHECK(world.say("merge P7-1 P7-2") == 1);  // whether it was done is not known
  CHECK(world.err.find("cairn: ") == 0);
  *breaks = 0;
  CHECK(world.say("| issues()") == 0);
  CHECK(world.out == "issues()\n       3\n");
}

TEST_CASE("repl_remote: nobody there") {
  const testing::TempDir dir;
  const auto opened = open_remote_backend("unix:" + (dir / "none"), {}, "ada");
  REQUIRE_FALSE(opened.ok());
  CHECK(opened.error().message.find("none") != std::string::npos);
}
