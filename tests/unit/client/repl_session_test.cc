#include "client/repl_session.h"

#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "client/repl_complete.h"
#include "verbs/arguments.h"

namespace cairn::client {
namespace {

// Writes down what it is asked, and answers with what a store of three issues would say.
class FakeBackend final : public ReplBackend {
 public:
  int run(const std::vector<std::string>& words, const ReplIo& io) override {
    calls.push_back(fmt::format("{}", fmt::join(words, "|")));
    if (words[0] == "fields" && words.back() == "--json") {
      (void)io.out(
          R"({"lsn":1,"fields":[)"
          R"({"name":"is","aliases":[],"type":"word","examples":["unresolved","resolved"]},)"
          R"({"name":"level","aliases":["lvl"],"type":"text","examples":[]},)"
          R"({"name":"browser","aliases":[],"type":"text","examples":[]}]})");
    } else if (words[0] == "query" && words.back() == "--json") {
      const bool issues = words[2].empty();
      (void)io.out(issues ? R"({"issues":[{"short_id":"SHOP-1"},{"short_id":"SHOP-2"}]})"
                          : R"({"rows":[["error",7],["Chrome 119",3],[null,1]]})");
    } else if (words[0] == "help") {
      (void)io.out("Options:\n  --json     x\n  --sort SORT   y\n");
    } else if (words[0] == "experiment") {
      (void)io.out(R"({"experiments":[{"name":"coarse","steps":[{"rule":"x"}]}]})");
    }
    // As verbs tell it, line by line.
    for (size_t at = 0; at < note.size();) {
      const size_t end = note.find('\n', at) + 1;
      (void)io.err(std::string_view(note).substr(at, end - at));
      at = end;
    }
    return fails ? 1 : 0;
  }
  std::vector<std::string> calls;
  bool fails = false;
  std::string note;
};

struct Talk {
  int say(std::string_view line) {
    backend.calls.clear();
    out.clear();
    err.clear();
    return session.run(line, {verbs::string_sink(out), verbs::string_sink(err), {}, never});
  }
  // The only call that a line leads to.
  std::string call(std::string_view line) {
    CHECK(say(line) == 0);
    REQUIRE(backend.calls.size() == 1);
    return backend.calls.front();
  }
  FakeBackend backend;
  ReplSession session{backend, "shop.cairn"};
  std::atomic<bool> never{false};
  std::string out;
  std::string err;
};

std::string candidates(ReplCompleter& completer, std::string_view text) {
  const Completions found = completer.complete(text);
  return fmt::format("{}: {}", found.begin, fmt::join(found.candidates, " "));
}

}  // namespace

TEST_CASE("repl_session: a verb without its store, anything else a query") {
  Talk talk;
  CHECK(talk.call("merge SHOP-1 SHOP-2") == "merge|shop.cairn|SHOP-1|SHOP-2");
  CHECK(talk.call("  merge shop.cairn SHOP-1 SHOP-2") == "merge|shop.cairn|SHOP-1|SHOP-2");
  CHECK(talk.call("stats") == "stats|shop.cairn");
  CHECK(talk.call("is:unresolved \"a b\" | count()") ==
        "query|shop.cairn|is:unresolved \"a b\" | count()");
  CHECK(talk.call("query browser:\"Chrome 1\" --sort freq") ==
        "query|shop.cairn|browser:\"Chrome 1\"|--sort|freq");
  CHECK(talk.call("help merge") == "help|merge");
  CHECK(talk.call("merge --help") == "merge|--help");
  CHECK(talk.call("restore backup copy") == "restore|backup|copy");
  CHECK(talk.say("") == 0);
  CHECK(talk.say("# a comment") == 0);
  CHECK(talk.backend.calls.empty());
  CHECK(talk.say("note SHOP-1 'open") == 2);
  CHECK(talk.err.find("not closed") != std::string::npos);
}

TEST_CASE("repl_session: settings go along where a verb has them") {
  Talk talk;
  CHECK(talk.say("\\as-of 2026-10-01") == 0);
  CHECK(talk.backend.calls.front() == "query|shop.cairn||--limit|1|--as-of|2026-10-01");
  CHECK(talk.session.prompt() == "shop.cairn as of 2026-10-01> ");
  CHECK(talk.call("is:unresolved") == "query|shop.cairn|is:unresolved|--as-of|2026-10-01");
  CHECK(talk.call("stats") == "stats|shop.cairn");
  CHECK(talk.err.find("does not take \\as-of") != std::string::npos);
  CHECK(talk.say("merge SHOP-1 SHOP-2") == 2);
  CHECK(talk.backend.calls.empty());
  CHECK(talk.say("\\as-of now") == 0);
  CHECK(talk.call("merge SHOP-1 SHOP-2") == "merge|shop.cairn|SHOP-1|SHOP-2");

  CHECK(talk.say("\\in coarse") == 0);
  CHECK(talk.say("\\json on") == 0);
  CHECK(talk.call("x") == "query|shop.cairn|x|--json|--in|coarse");
  CHECK(talk.call("merge SHOP-1 SHOP-2") == "merge|shop.cairn|SHOP-1|SHOP-2|--json");
  CHECK(talk.say("\\in off") == 0);
  CHECK(talk.say("\\json") == 0);
  CHECK(talk.session.prompt() == "shop.cairn> ");
  CHECK(talk.call("x") == "query|shop.cairn|x");

  talk.backend.fails = true;
  CHECK(talk.say("\\as-of 1999") == 1);  // there is no such moment
  CHECK(talk.session.settings().as_of.empty());
}

TEST_CASE("repl_session: watch repeats, timing tells, help knows all kinds") {
  Talk talk;
  CHECK(talk.say("\\watch 1") == 2);
  CHECK(talk.say("stats") == 0);
  CHECK(talk.say("\\watch 0.01 3") == 0);
  CHECK(talk.backend.calls == std::vector<std::string>(3, "stats|shop.cairn"));
  CHECK(talk.say("\\watch nonsense") == 2);
  CHECK(talk.say("\\timing on") == 0);
  CHECK(talk.say("stats") == 0);
  CHECK(talk.err.find("time: ") != std::string::npos);
  CHECK(talk.say("\\help") == 0);
  CHECK(talk.out.find("\\watch") != std::string::npos);
  CHECK(talk.say("\\help dates") == 0);
  CHECK(talk.out.find("age:-24h") != std::string::npos);
  CHECK(talk.call("\\help merge") == "help|merge");
  CHECK(talk.call("\\help level") == "fields|shop.cairn|level");
  CHECK(talk.say("\\nothing") == 2);
  CHECK_FALSE(talk.session.ended());
  CHECK(talk.say("\\q") == 0);
  CHECK(talk.session.ended());
}

TEST_CASE("repl_session: more goes on where the last answer ended") {
  Talk talk;
  CHECK(talk.say("\\more") == 2);
  talk.backend.note = "next page: --cursor abc\n";
  CHECK(talk.call("is:unresolved") == "query|shop.cairn|is:unresolved");
  CHECK(talk.err == "\\more goes on\n");
  talk.backend.note = "page before: --cursor xyz\nnext page: --cursor def\n";
  CHECK(talk.call("\\more") == "query|shop.cairn|is:unresolved|--cursor|abc");
  talk.backend.note = "";
  CHECK(talk.call("\\more") == "query|shop.cairn|is:unresolved|--cursor|def");
  CHECK(talk.say("\\more") == 2);
}

TEST_CASE("repl_session: a watch ends when somebody wants it to") {
  Talk talk;
  CHECK(talk.say("stats") == 0);
  talk.never = true;
  CHECK(talk.say("\\watch 60") == 0);
  CHECK(talk.backend.calls.size() == 1);
}

TEST_CASE("repl_complete: what may be typed next") {
  FakeBackend backend;
  const ReplSession session(backend, "shop.cairn");
  ReplCompleter completer(backend, session);
  const auto at = [&](std::string_view text) { return candidates(completer, text); };
  CHECK(at("unm") == "0: unmerge");
  CHECK(at("lev") == "0: level:");
  CHECK(at("is:un") == "3: unresolved");
  CHECK(at("x !level:") == "9: \"Chrome 119\" error");
  CHECK(at("level:[fatal, e") == "14: error");
  CHECK(at("level:[fatal,e") == "13: error");
  CHECK(at("(lv") == "1: lvl:");
  CHECK(at("has:bro") == "4: browser");
  CHECK(at("merge SHOP-1 SHOP") == "13: SHOP-1 SHOP-2");
  CHECK(at("issue:") == "6: SHOP-1 SHOP-2");
  CHECK(at("query level:e") == "12: error");
  CHECK(at("query x --s") == "8: --sort");
  CHECK(at("query x --sort fr") == "15: freq");
  CHECK(at("query x --in ") == "13: coarse");
  CHECK(at("level:error | cou") == "14: count()");
  CHECK(at("level:error | count() by lev") == "25: level");
  CHECK(at("level:error | uniq(lev") == "19: level");
  CHECK(at("x | sort pri") == "9: priority");
  CHECK(at("\\tim") == "0: \\timing");
  CHECK(at("\\in ") == "4: coarse");
  CHECK(at("\\help mer") == "6: merge");
  CHECK(at("experiment prom") == "11: promote");
  CHECK(at("experiment promote c") == "19: coarse");
  CHECK(at("zzz") == "0: ");
  const size_t asked = backend.calls.size();
  CHECK(at("level:") == "6: \"Chrome 119\" error");  // remembered
  CHECK(backend.calls.size() == asked);
}

}  // namespace cairn::client
