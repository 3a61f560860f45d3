// One call from words to an exit code, on a directory and on a store that stays open: the same
// bytes, no globals, and what cannot run there says so.
#include "verbs/run.h"

#include <fmt/format.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <filesystem>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "model/message.h"
#include "support/temp_dir.h"

using namespace cairn;
using namespace cairn::verbs;

namespace {

using Words = std::vector<std::string>;

struct Answer {
  int code = -1;
  std::string out;
  std::string err;
  bool operator==(const Answer&) const = default;
};

std::ostream& operator<<(std::ostream& to, const Answer& answer) {
  return to << answer.code << "\n" << answer.out << answer.err;
}

// What a caller gives besides the words.
struct Caller {
  NamedFiles files;
  Rights rights;
  const std::atomic<bool>* cancelled = nullptr;

  Answer run(const Words& words, StoreAccess& stores) {
    Answer answer;
    answer.code = run_words(words, {.stores = stores,
                                    .files = files,
                                    .out = string_sink(answer.out),
                                    .err = string_sink(answer.err),
                                    .terminal = {},
                                    .user = "ada",
                                    .cancelled = cancelled,
                                    .rights = rights});
    return answer;
  }
};

// A store with the issues SHOP-1 (two occurrences) to SHOP-4.
class World {
 public:
  World() {
    store = *engine::Store::open(path, {});
    model::MessageParser parser;
    std::vector<model::Message> messages;
    for (int i = 0; i < 5; ++i) {
      const std::string line = fmt::format(
          R"({{"id":"{:032x}","project_id":7,"fingerprint":["f{}"],"issue_title":"Error {}",)"
          R"("subtitle":"somewhere","resource_id":null,"evidence_data":{{}},"evidence_display":[],)"
          R"("type":1,"level":"error","detection_time":{},)"
          R"("event":{{"event_id":"{:032x}","project_id":7,"timestamp":{},"platform":"python"}}}})",
          i + 1, i % 4, i % 4, 1'790'000'000 + i, i + 1, 1'790'000'000 + i);
      auto message = parser.parse(line);
      if (!message.ok()) FAIL(message.error().message);
      messages.push_back(std::move(*message));
    }
    const auto submitted = store->submit(std::move(messages), {});
    REQUIRE(submitted.ok());
    LentAccess lent(*store);
    REQUIRE(Caller().run({"projects", "S", "set", "7", "--slug", "shop"}, lent).code == 0);
  }
  testing::TempDir dir;
  std::string path = dir / "shop.cairn";
  std::unique_ptr<engine::Store> store;
};

struct Row {
  Words words;
  Scope scope;
};
const std::vector<Row> kTable = {
    {{"query", "S"}, Scope::Read},
    {{"explain", "S"}, Scope::Read},
    {{"export", "S"}, Scope::Read},
    {{"fields", "S"}, Scope::Read},
    {{"show", "S", "SHOP-1"}, Scope::Read},
    {{"history", "S", "SHOP-1"}, Scope::Read},
    {{"events", "S", "SHOP-1"}, Scope::Read},
    {{"tags", "S", "SHOP-1"}, Scope::Read},
    {{"diff", "S", "1"}, Scope::Read},
    {{"stats", "S"}, Scope::Read},
    {{"log", "S"}, Scope::Read},
    {{"projects", "S"}, Scope::Read},
    {{"types", "S"}, Scope::Read},
    {{"releases", "S"}, Scope::Read},
    {{"experiment", "S", "list"}, Scope::Read},
    {{"experiment", "S", "compare", "E"}, Scope::Read},
    {{"experiment", "S", "promote", "E", "--dry-run"}, Scope::Read},
    {{"sweep", "S", "merge by title", "--dry-run"}, Scope::Read},
    {{"alert", "test", "S", "rule.json"}, Scope::Read},
    {{"alert", "S", "test", "1"}, Scope::Read},
    {{"alert", "S", "list"}, Scope::Read},
    {{"alert", "S", "show", "1"}, Scope::Read},
    {{"alert", "S", "incidents"}, Scope::Read},
    {{"alert", "S", "incident", "1"}, Scope::Read},
    {{"alert", "S", "explain", "1"}, Scope::Read},
    {{"alert", "S", "stats"}, Scope::Read},
    {{"alert", "S", "ack", "1"}, Scope::Triage},
    {{"alert", "S", "comment", "1", "text"}, Scope::Triage},
    {{"alert", "S", "close", "1"}, Scope::Triage},
    {{"alert", "S", "add", "rule.json"}, Scope::Admin},
    {{"alert", "S", "change", "1", "rule.json"}, Scope::Admin},
    {{"alert", "S", "pause", "1"}, Scope::Admin},
    {{"alert", "S", "resume", "1"}, Scope::Admin},
    {{"alert", "S", "remove", "1"}, Scope::Admin},
    {{"alert", "S", "tick"}, Scope::Admin},
    {{"digest", "S"}, Scope::Read},
    {{"merge", "S", "SHOP-1", "SHOP-2"}, Scope::Triage},
    {{"merge", "S", "--pairs", "P"}, Scope::Triage},
    {{"unmerge", "S", "SHOP-1"}, Scope::Triage},
    {{"split", "S", "SHOP-1", "--fingerprint", "f"}, Scope::Triage},
    {{"experiment", "S", "new", "E"}, Scope::Triage},
    {{"experiment", "S", "add", "E", "merge by title"}, Scope::Triage},
    {{"experiment", "S", "promote", "E"}, Scope::Triage},
    {{"experiment", "S", "drop", "E"}, Scope::Triage},
    {{"sweep", "S", "merge by title"}, Scope::Triage},
    {{"resolve", "S", "SHOP-1"}, Scope::Triage},
    {{"unresolve", "S", "SHOP-1"}, Scope::Triage},
    {{"archive", "S", "SHOP-1"}, Scope::Triage},
    {{"assign", "S", "SHOP-1", "none"}, Scope::Triage},
    {{"priority", "S", "SHOP-1", "high"}, Scope::Triage},
    {{"note", "S", "SHOP-1", "text"}, Scope::Triage},
    {{"bookmark", "S", "SHOP-1", "user:1"}, Scope::Triage},
    {{"subscribe", "S", "SHOP-1", "user:1"}, Scope::Triage},
    {{"seen", "S", "SHOP-1", "user:1"}, Scope::Triage},
    {{"review", "S", "SHOP-1"}, Scope::Triage},
    {{"link", "S", "SHOP-1", "https://a.b/c"}, Scope::Triage},
    {{"delete", "S", "SHOP-4"}, Scope::Triage},
    {{"discard", "S", "SHOP-3"}, Scope::Triage},
    {{"tick", "S"}, Scope::Triage},
    {{"projects", "S", "set", "7", "--slug", "shop"}, Scope::Admin},
    {{"types", "S", "strict", "off"}, Scope::Admin},
    {{"releases", "S", "set", "shop", "1.0"}, Scope::Admin},
    {{"compact", "S"}, Scope::Admin},
    {{"retain", "S", "--max-age", "900d"}, Scope::Admin},
};

}  // namespace

TEST_CASE("verbs answer a lent store as its directory") {
  World world;
  DirectoryAccess directory;
  Caller caller;
  const Words now = {"--now", "2026-10-01"};
  const std::vector<Words> questions = {
      {"query", world.path, "is:unresolved"},
      {"query", world.path, "is:unresolved", "--json"},
      {"query", world.path, "| count() by title", "--json"},
      {"query", world.path, "level:eror", "--as-of", "3"},
      {"query", world.path, "nofield:(x"},
      {"explain", world.path, "no:"},
      {"export", world.path, "issue:SHOP-1"},
      {"export", world.path, "issue:SHOP-1", "--as-of", "2"},
      {"show", world.path, "SHOP-1"},
      {"show", world.path, "SHOP-99", "--json"},
      {"history", world.path, "SHOP-1"},
      {"events", world.path, "SHOP-1"},
      {"tags", world.path, "SHOP-1"},
      {"fields", world.path},
      {"diff", world.path, "2"},
      {"log", world.path},
      {"projects", world.path},
      {"types", world.path},
      {"releases", world.path},
      {"experiment", world.path, "list"},
      {"nonsense"},
      {"query"},
      {"help", "query"},
  };
  for (Words words : questions) {
    INFO(fmt::format("{}", fmt::join(words, " ")));
    const bool dated = words[0] == "query" || words[0] == "show";
    if (dated && words.size() > 1) words.insert(words.end(), now.begin(), now.end());
    LentAccess lent(*world.store);
    const Answer open = caller.run(words, lent);
    world.store.reset();  // a directory is open once in a process
    const Answer opened = caller.run(words, directory);
    world.store = *engine::Store::open(world.path, {});
    CHECK(open == opened);
    CHECK(open.out.size() + open.err.size() > 0);
  }
}

TEST_CASE("who does not say who writes is the caller") {
  World world;
  LentAccess lent(*world.store);
  Caller caller;
  CHECK(caller.run({"merge", "S", "SHOP-1", "SHOP-2"}, lent).code == 0);
  CHECK(caller.run({"assign", "S", "SHOP-1", "user:3", "--actor", "grace"}, lent).code == 0);
  const Answer log = caller.run({"log", "S", "--from", "7", "--json"}, lent);
  CHECK(log.out.find(R"("actor":"ada")") != std::string::npos);
  CHECK(log.out.find(R"("actor":"grace")") != std::string::npos);
}

TEST_CASE("files come along with a call and go back with its answer") {
  World world;
  LentAccess lent(*world.store);
  Caller caller;
  caller.files.give("pairs.csv", std::string("SHOP-2,SHOP-1\nSHOP-77,SHOP-1\n"));
  const Answer merged =
      caller.run({"merge", "S", "--pairs", "pairs.csv", "--rejects", "no.jsonl"}, lent);
  CHECK(merged.code == static_cast<int>(ExitCode::SomeRefused));
  REQUIRE(caller.files.written().count("no.jsonl") == 1);
  CHECK(caller.files.written().at("no.jsonl").find("SHOP-77") != std::string::npos);
  // Nothing that did not come along is read, least of all here.
  const Answer other = caller.run({"merge", "S", "--pairs", "/etc/passwd"}, lent);
  CHECK(other.code == 1);
  CHECK(other.err.find("did not come along") != std::string::npos);
  // Why it could not be read is told when it is wanted.
  caller.files.give("gone.csv", make_error(ErrorCode::NotFound, "gone.csv: cannot open"));
  CHECK(caller.run({"merge", "S", "--pairs", "gone.csv"}, lent).err ==
        "cairn: gone.csv: cannot open\n");
}

TEST_CASE("a rule of an alert comes along, and its chart fits the terminal") {
  World world;
  LentAccess lent(*world.store);
  Caller caller;
  const Words words = {"alert",  "test",        "S",    "rule.json",
                       "--from", "@1789999200", "--to", "@1790002800"};
  CHECK(caller.run(words, lent).err.find("did not come along") != std::string::npos);
  caller.files.give("rule.json", std::string(R"({"name":"A","time_window":5,)"
                                             R"("triggers":[{"label":"critical",)"
                                             R"("alert_threshold":3}]})"));
  const Answer answer = caller.run(words, lent);
  INFO(answer.err);
  REQUIRE(answer.code == 0);
  CHECK(answer.err.find("note: 5 occurrences were recorded after") != std::string::npos);
  CHECK(answer.out.find("60 ticks from 2026-09-21T") != std::string::npos);
  // Five within five seconds: beyond the threshold for five ticks, until they have left the window.
  CHECK(answer.out.find("  0 to 5; critical above 3 = ") != std::string::npos);
  CHECK(answer.out.find("CCCCC ") != std::string::npos);
  CHECK(answer.out.find("CCCCCC") == std::string::npos);
  std::istringstream lines(answer.out);
  size_t bars = 0;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("  |")) continue;
    ++bars;
    CHECK(line.size() == 60 + 4);  // a tick a column; there is room for 94
  }
  CHECK(bars == 2);
  // Nothing of projects that the caller may not see is counted.
  caller.rights.projects = {ProjectId{8}};
  CHECK(caller.run(words, lent).out.find("; 0 occurrences") != std::string::npos);
  const std::atomic<bool> cancelled{true};
  caller.cancelled = &cancelled;
  CHECK(caller.run(words, lent).code == static_cast<int>(ExitCode::Interrupted));
}

TEST_CASE("who is limited to projects sees rules of these, and changes no others") {
  World world;
  LentAccess lent(*world.store);
  Caller all;
  const auto rule = [](const std::string& name, const std::string& projects) {
    return fmt::format(R"({{"name":"{}",{}"when":{{"event":"first_seen"}}}})", name, projects);
  };
  all.files.give("rules", rule("seven", R"("projects":[7],)") + "\n" +
                              rule("both", R"("projects":[7,8],)") + "\n" +
                              rule("eight", R"("projects":[8],)") + "\n" + rule("any", ""));
  REQUIRE(all.run({"alert", "S", "add", "rules"}, lent).code == 0);
  Caller some;
  some.rights.projects = {ProjectId{7}};
  const Answer listed = some.run({"alert", "S", "list"}, lent);
  CHECK(listed.out.find("seven") != std::string::npos);
  for (const char* const hidden : {"both", "eight", "any"}) {
    CHECK(listed.out.find(hidden) == std::string::npos);
    const Answer shown = some.run({"alert", "S", "show", hidden}, lent);
    CHECK(shown.code == 1);
    CHECK(shown.err ==
          fmt::format("cairn: no alert rule '{}' in the projects of this token\n", hidden));
  }
  for (const char* const action : {"show", "explain", "pause", "resume", "remove"}) {
    CHECK(some.run({"alert", "S", action, "2"}, lent).err ==
          "cairn: no alert rule 2 in the projects of this token\n");
  }
  CHECK(some.run({"alert", "S", "show", "99"}, lent).err ==
        "cairn: no alert rule 99 in the projects of this token\n");
  some.files.give("new", rule("another", R"("projects":[7],)") + "\n" +
                             rule("beyond", R"("projects":[7,8],)") + "\n" + rule("beyond", ""));
  const Answer added = some.run({"alert", "S", "add", "new"}, lent);
  CHECK(added.code == static_cast<int>(ExitCode::SomeRefused));
  CHECK(added.out.find("1 rule added, 2 refused") != std::string::npos);
  some.files.give("wider", rule("seven", R"("projects":[7,8],)"));
  CHECK(
      some.run({"alert", "S", "change", "seven", "wider"}, lent).err.find("limited to projects") !=
      std::string::npos);
  CHECK(some.run({"alert", "S", "pause", "seven"}, lent).code == 0);
  CHECK(all.run({"alert", "S", "list", "--json"}, lent).out.find(R"("total":5)") !=
        std::string::npos);
}

TEST_CASE("what cannot run at a lent store says where it can") {
  World world;
  LentAccess lent(*world.store);
  Caller caller;
  for (const Words& words : std::vector<Words>{{"init", "S"},
                                               {"verify", "S"},
                                               {"rebuild", "S"},
                                               {"backup", "S", "D"},
                                               {"restore", "B", "S"},
                                               {"import", "S", "f"},
                                               {"generate", "--occurrences", "1"},
                                               {"bench"},
                                               {"demo"}}) {
    INFO(words[0]);
    const Answer answer = caller.run(words, lent);
    CHECK(answer.code == 1);
    CHECK(answer.out.empty());
    CHECK((answer.err.find("run it where") != std::string::npos ||
           answer.err.find("runs where it is typed") != std::string::npos));
  }
  CHECK(!std::filesystem::exists("S"));
  // A worker of a server is not to be had for good.
  const Answer sweep = caller.run({"sweep", "S", "merge by title", "--every", "1h"}, lent);
  CHECK(sweep.code == 1);
  CHECK(sweep.err.find("from a timer") != std::string::npos);
}

TEST_CASE("a call that is cancelled ends as interrupted") {
  World world;
  LentAccess lent(*world.store);
  std::atomic<bool> cancelled{true};
  Caller caller;
  caller.cancelled = &cancelled;
  const Answer answer = caller.run({"export", "S"}, lent);
  CHECK(answer.code == static_cast<int>(ExitCode::Interrupted));
  cancelled = false;
  CHECK(caller.run({"export", "S"}, lent).code == 0);
}

TEST_CASE("scopes: every verb with every one of them") {
  World world;
  LentAccess lent(*world.store);
  for (const Row& row : kTable) {
    for (size_t i = 0; i < kScopes; ++i) {
      const auto has = static_cast<Scope>(i);
      Caller caller;
      caller.rights.scopes = static_cast<uint8_t>(1u << i);
      const Answer answer = caller.run(row.words, lent);
      const bool refused = answer.err.find("needs the scope") != std::string::npos;
      INFO(fmt::format("{} with {}: {}", fmt::join(row.words, " "), scope_name(has), answer.err));
      CHECK(refused != (has == row.scope || has == Scope::Admin));
      if (refused) CHECK(answer.code == 1);
    }
    Caller nobody;
    nobody.rights.scopes = 0;
    CHECK(nobody.run(row.words, lent).err.find("needs the scope") != std::string::npos);
  }
  CHECK(parse_scope("triage") == Scope::Triage);
  CHECK(!parse_scope("root"));
}

TEST_CASE("many calls at once, each with its own answer") {
  World world;
  LentAccess lent(*world.store);
  Caller once;
  const Words words = {"query", "S", "is:unresolved", "--json", "--now", "2026-10-01"};
  const Answer expected = once.run(words, lent);
  REQUIRE(expected.code == 0);
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 20; ++j) {
        Caller caller;
        if (!(caller.run(words, lent) == expected)) ++wrong;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(wrong == 0);
}
