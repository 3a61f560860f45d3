// A store behind an address, from the client's side: verbs give what they give on a directory, and
// imports lose and double nothing whatever happens to connections.
#include "client/remote.h"

#include <fmt/format.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "client/far.h"
#include "support/small_server.h"
#include "support/temp_dir.h"

using namespace cairn;
using namespace cairn::client;
using testing::Fate;
using testing::SmallServer;

namespace {

std::string line(int number) {
  return fmt::format(
      R"({{"id":"{0:032x}","project_id":7,"fingerprint":["f{1}"],"issue_title":"Error {1}",)"
      R"("subtitle":"somewhere","resource_id":null,"evidence_data":{{}},"evidence_display":[],)"
      R"("type":1,"level":"error","detection_time":{2},)"
      R"("event":{{"event_id":"{0:032x}","project_id":7,"timestamp":{2},"platform":"python"}}}})",
      number + 1, number % 10, 1'790'000'000 + number);
}

// A file of occurrences, operations that name some of them before they come, and bad lines.
std::string write_input(const std::string& path, int occurrences) {
  std::ofstream file(path);
  for (int i = 0; i < occurrences; ++i) {
    if (i % 100 == 5) {
      file << fmt::format(
                  R"({{"t":{},"project_id":7,"op":"occurrence","id":"{:032x}","fp":"f{}"}})",
                  1'790'000'000, occurrences - i, (occurrences - i - 1) % 10)
           << "\n";
    }
    if (i % 500 == 77) file << "{\"id\": 3}\n";
    file << line(i) << "\n";
  }
  return path;
}

struct Answer {
  int code = -1;
  std::string out;
  std::string err;
};

struct World {
  World() { store = *engine::Store::open(dir / "store", {}); }

  // As the program does it for an address.
  Answer run(const std::vector<std::string>& words, const Credentials& credentials = {},
             const std::atomic<bool>* cancelled = nullptr) {
    Answer answer;
    verbs::DirectoryAccess stores;
    verbs::LocalFiles files;
    const verbs::Call call{.stores = stores,
                           .files = files,
                           .out = verbs::string_sink(answer.out),
                           .err = verbs::string_sink(answer.err),
                           .terminal = {},
                           .user = "ada",
                           .cancelled = cancelled};
    const auto parsed = verbs::parse_arguments(words, call.user);
    answer.code =
        verbs::run_invocation(std::get<verbs::Invocation>(parsed), call,
                              [&](const verbs::VerbArguments& verb, verbs::Context& context) {
                                return run_far(verb, {credentials, words, call.user}, context);
                              });
    return answer;
  }

  engine::Stats stats() const { return *store->stats(); }
  std::string socket() const { return dir / "s"; }

  testing::TempDir dir;
  std::unique_ptr<engine::Store> store;
};

// Every so often one of these, the same ones for a seed.
std::function<Fate()> fates(uint32_t seed, std::vector<Fate> some, uint32_t one_in) {
  auto random = std::make_shared<std::mt19937>(seed);
  return [random, some = std::move(some), one_in] {
    if ((*random)() % one_in != 0) return Fate::Answer;
    return some[(*random)() % some.size()];
  };
}

}  // namespace

TEST_CASE("an import over connections that break loses and doubles nothing") {
  constexpr int kOccurrences = 6000;
  const uint32_t seed = GENERATE(1u, 2u, 3u);
  INFO("seed " << seed);
  World world;
  SmallServer server(world.socket(), *world.store, "",
                     fates(seed, {Fate::BreakBefore, Fate::BreakAfter, Fate::Later}, 3));
  const std::string input = write_input(world.dir / "in.jsonl", kOccurrences);
  const std::string rejects = world.dir / "no.jsonl";
  const Answer answer =
      world.run({"import", server.address(), input, "--rejects", rejects, "--json"});
  INFO(answer.out << answer.err);
  CHECK(answer.code == 3);
  CHECK(world.stats().occurrences == kOccurrences);
  CHECK(server.connections() > 1);
  CHECK(server.calls() > kOccurrences / 500);
  CHECK(answer.out.find("\"refused\":12,") != std::string::npos);
  CHECK(answer.out.find("\"references\":60,") != std::string::npos);
  CHECK(answer.err.find("the connection was lost") != std::string::npos);
  std::ifstream kept(rejects);
  int lines = 0;
  for (std::string text; std::getline(kept, text);) ++lines;
  CHECK(lines == 12);
  // The same again: all of it is known.
  const Answer again = world.run({"import", server.address(), input, "--json"});
  CHECK(again.code == 3);
  CHECK(again.out.find("\"stored\":0,") != std::string::npos);
  CHECK(world.stats().occurrences == kOccurrences);
}

TEST_CASE("an import ends with what the store refused as a whole") {
  World world;
  int calls = 0;
  SmallServer server(world.socket(), *world.store, "",
                     [&calls] { return ++calls == 3 ? Fate::Fail : Fate::Answer; });
  const std::string input = write_input(world.dir / "in.jsonl", 4000);
  const Answer answer = world.run({"import", server.address(), input});
  CHECK(answer.code == 1);
  CHECK(answer.err.find("too many at once") != std::string::npos);
  CHECK(answer.err.find("the same command goes on from there") != std::string::npos);
  CHECK(world.stats().occurrences < 1500);
}

TEST_CASE("verbs at an address, with files and tokens") {
  World world;
  SmallServer server(world.socket(), *world.store, "secret", nullptr);
  const Credentials known{"secret", ""};
  const std::string input = write_input(world.dir / "in.jsonl", 30);
  REQUIRE(world.run({"import", server.address(), input}, known).code == 0);
  const Answer found =
      world.run({"query", server.address(), "is:unresolved", "--limit", "3"}, known);
  CHECK(found.code == 0);
  CHECK(found.out.find("3 of 10 issues") != std::string::npos);
  CHECK(world.run({"query", server.address(), "nofield:("}, known).err.find('^') !=
        std::string::npos);
  SECTION("pairs go there, rejects come back") {
    const std::string pairs = world.dir / "pairs.csv";
    std::ofstream(pairs) << "KEY-2,KEY-1\n7-2,7-1\n";
    const std::string rejects = world.dir / "no.jsonl";
    const Answer merged =
        world.run({"merge", server.address(), "--pairs", pairs, "--rejects", rejects}, known);
    CHECK(merged.code == 3);
    CHECK(std::filesystem::file_size(rejects) > 0);
    const Answer none =
        world.run({"merge", server.address(), "--pairs", world.dir / "none"}, known);
    CHECK(none.code == 1);
    CHECK(none.err.find("none: cannot open: No such file") != std::string::npos);
  }
  SECTION("who has no token is told so") {
    const Answer denied = world.run({"query", server.address()}, {"guess", ""});
    CHECK(denied.code == 1);
    CHECK(denied.err == "cairn: the token is not known here\n");
  }
  SECTION("verbs on files need the directory") {
    const Answer verify = world.run({"verify", server.address()}, known);
    CHECK(verify.code == 1);
    CHECK(verify.err.find("where the directory is") != std::string::npos);
  }
}

TEST_CASE("a question is asked again when the connection breaks, a command is not") {
  World world;
  int calls = 0;
  SmallServer server(world.socket(), *world.store, "",
                     [&calls] { return ++calls % 2 == 1 ? Fate::BreakBefore : Fate::Answer; });
  CHECK(world.run({"query", server.address(), "--json"}).code == 0);
  CHECK(calls == 2);
  const Answer merged = world.run({"tick", server.address()});
  CHECK(merged.code == 1);
  CHECK(merged.err.find("the connection was lost") != std::string::npos);
  CHECK(calls == 3);
}

TEST_CASE("addresses where nobody answers") {
  World world;
  const Answer nobody = world.run({"query", "unix:" + world.dir.path() + "/none"});
  CHECK(nobody.code == 1);
  CHECK(nobody.err.find("cannot connect") != std::string::npos);
  CHECK(world.run({"query", "tcp:localhost"}).code == 1);
  CHECK(world.run({"query", "tls:[::1:9"}).code == 1);
  CHECK(world.run({"query", "unix:"}).code == 1);
}
