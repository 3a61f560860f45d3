// The verb digest, from words to an answer, over a store with alerts.
#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "support/alert_shop.h"
#include "verbs/digest_source.h"
#include "verbs/run.h"

using namespace cairn;
using namespace cairn::verbs;
using cairn::testing::AlertShop;

namespace {

struct Answer {
  int code = -1;
  std::string out;
  std::string err;
};

Answer call(AlertShop& shop, const std::vector<std::string>& words, Files& files, Rights rights) {
  LentAccess lent(*shop.store);
  Answer answer;
  answer.code = run_words(words, {.stores = lent,
                                  .files = files,
                                  .out = string_sink(answer.out),
                                  .err = string_sink(answer.err),
                                  .terminal = {},
                                  .user = "ada",
                                  .cancelled = nullptr,
                                  .rights = std::move(rights)});
  return answer;
}
Answer run(AlertShop& shop, std::vector<std::string> words, Files& files, Rights rights = {}) {
  words.insert(words.begin(), {"digest", "S"});
  words.insert(words.end(), {"--now", format_time(shop.now())});
  return call(shop, words, files, std::move(rights));
}
Answer run(AlertShop& shop, std::vector<std::string> words, Rights rights = {}) {
  NamedFiles files;
  return run(shop, std::move(words), files, std::move(rights));
}

bool has(const std::string& text, std::string_view piece) {
  return text.find(piece) != std::string::npos;
}

}  // namespace

TEST_CASE("what alerts told, on request") {
  AlertShop shop;
  CHECK(has(run(shop, {}).out, "no alerts about unresolved issues"));
  shop.see("a");
  shop.see("b", 8);
  shop.see("a");
  shop.wait(60);
  const Answer all = run(shop, {});
  CHECK(all.code == 0);
  CHECK(has(all.out, "2 alerts of 1 rule about 2 issues"));
  CHECK(has(all.out, "New issues (rule 1): 2 issues"));
  CHECK(has(all.out, "P7-1"));
  const Answer json = run(shop, {"--json"});
  CHECK(has(json.out, R"("alerts":2,"issues":2,)"));
  CHECK(has(json.out, R"("title":"Problem a","culprit":"","level":"error","events":2,"users":2,)"));
}

TEST_CASE("a firing has the time of its occurrence") {
  AlertShop shop;
  shop.see("a", 7, 3600);
  shop.see("a", 7, 3601);
  shop.see("a", 7, 3599);
  const Answer json = run(shop, {"--json"});
  CHECK(has(json.out, R"("first":"2026-11-30T08:00:00Z","last":"2026-11-30T08:00:00Z")"));
  CHECK(has(json.out, R"("events":1,)"));
}

TEST_CASE("a digest of some time, some projects, some rules") {
  AlertShop shop;
  shop.see("a");
  shop.wait(7200);
  shop.see("b", 8);
  CHECK(has(run(shop, {"--last", "1h"}).out, "Problem b"));
  CHECK_FALSE(has(run(shop, {"--last", "1h"}).out, "Problem a"));
  CHECK(has(run(shop, {"--from", "2026-11-30T08:59:59Z", "--to", "2026-11-30T09:00:00Z"}).out,
            "Problem a"));
  CHECK(has(run(shop, {"--from", "2026-11-30T09:00:00Z", "--to", "2026-11-30T10:59:59Z"}).out,
            "no alerts"));
  for (const char* rule : {"1", "New issues"}) {
    CHECK(has(run(shop, {"--rule", rule}).out, "2 alerts"));
  }
  CHECK(has(run(shop, {"--rule", "2"}).out, "no alerts"));
  CHECK(has(run(shop, {"--project", "8"}).out, "1 alert of 1 rule"));
  CHECK(has(run(shop, {"--project", "8", "--project", "7"}).out, "2 alerts"));
  for (const std::vector<std::string>& wrong :
       {std::vector<std::string>{"--project", "nope"}, {"--rule", "nope"}, {"--rule", "3"}}) {
    INFO(wrong[1]);
    const Answer answer = run(shop, wrong);
    CHECK(answer.code == 1);
    CHECK(has(answer.err, wrong[1]));
  }
  for (const std::vector<std::string>& wrong : {std::vector<std::string>{"--last", "0d"},
                                                {"--limit", "0"},
                                                {"--limit", "1001"},
                                                {"--last", "1d", "--from", "2026-11-30"},
                                                {"--html", ""},
                                                {"--from", "2026-11-30", "--to", "2026-11-29"}}) {
    INFO(wrong[1]);
    CHECK(run(shop, wrong).code == 2);
  }
  // A rule that is gone goes on in digests of before.
  const std::vector<alert::AlertCommand> remove = {alert::RemoveRule{1}};
  REQUIRE(shop.store->execute(remove, {}).ok());
  CHECK(has(run(shop, {"--rule", "New issues"}).out, "2 alerts"));
}

TEST_CASE("who may see some projects only sees alerts of these") {
  AlertShop shop;
  shop.see("a", 7);
  shop.see("b", 8);
  Rights rights;
  rights.scopes = 1;
  rights.projects = {ProjectId{8}};
  const Answer answer = run(shop, {}, rights);
  CHECK(answer.code == 0);
  CHECK(has(answer.out, "1 alert of 1 rule about 1 issue"));
  CHECK(has(answer.out, "Problem b"));
  CHECK_FALSE(has(answer.out, "left out"));
  CHECK(run(shop, {"--rule", "nope"}, rights).code == 0);
}

TEST_CASE("the page goes where it should") {
  AlertShop shop;
  shop.see("a");
  NamedFiles named;
  Answer answer = run(shop, {"--html", "page.html"}, named);
  CHECK(answer.code == 0);
  CHECK(answer.out.empty());
  CHECK(has(answer.err, "page.html: 1 alert of 1 rule about 1 issue"));
  REQUIRE(named.written().count("page.html") == 1);
  CHECK(named.written().at("page.html").starts_with("<!DOCTYPE html>"));
  answer = run(shop, {"--html", "-"});
  CHECK(answer.out.starts_with("<!DOCTYPE html>"));
  CHECK(answer.out.ends_with("</html>\n"));
  answer = run(shop, {"--html", "-", "--json"});
  CHECK(answer.code == 1);
  CHECK(has(run(shop, {"--html", "page.html", "--json"}, named).out, R"("alerts":1)"));

  // A file of this machine is replaced, in one piece; what is no file is left alone.
  LocalFiles local;
  const std::string path = shop.directory / "page.html";
  std::ofstream(path) << std::string(100'000, 'x');
  REQUIRE(run(shop, {"--html", path}, local).code == 0);
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  CHECK(text.str().starts_with("<!DOCTYPE html>"));
  CHECK(text.str().ends_with("</html>\n"));
  CHECK(run(shop, {"--html", "/dev/null"}, local).code == 1);
  CHECK(run(shop, {"--html", shop.directory / "no/such/page.html"}, local).code == 1);
  // Nothing half is left, nor anything beside it.
  CHECK(run(shop, {"--html", path, "--rule", "nope"}, local).code == 1);
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(shop.directory.path())) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  CHECK(names == std::vector<std::string>{"page.html", "store"});
}

TEST_CASE("digests follow merges, states and experiments") {
  AlertShop shop;
  shop.see("a");
  shop.see("b");
  shop.see("c");
  NamedFiles files;
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"experiment", "S", "new", "coarse"},
        {"experiment", "S", "add", "coarse", "merge P7-1 P7-3"}}) {
    const Answer done = call(shop, words, files, {});
    INFO(done.err);
    REQUIRE(done.code == 0);
  }
  CHECK(has(run(shop, {"--in", "coarse"}).out, "3 alerts of 1 rule about 2 issues"));
  CHECK(has(run(shop, {}).out, "3 alerts of 1 rule about 3 issues"));
  const model::MergeCommand merge{GroupId{1}, {GroupId{2}}};
  REQUIRE(shop.store->execute(model::Command(merge), {}).ok());
  Answer answer = run(shop, {});
  CHECK(has(answer.out, "3 alerts of 1 rule about 2 issues"));
  model::SetStatusCommand resolve;
  resolve.group = GroupId{3};
  resolve.status = model::Status::Resolved;
  REQUIRE(shop.store->execute(model::Command(resolve), {}).ok());
  answer = run(shop, {});
  CHECK(has(answer.out, "2 alerts of 1 rule about 1 issue"));
  CHECK(has(answer.out, "1 alert is left out: the issues are resolved or archived."));
  REQUIRE(
      shop.store
          ->execute(model::Command(model::SetStandingCommand{GroupId{1}, model::Standing::Deleted}),
                    {})
          .ok());
  answer = run(shop, {});
  CHECK(has(answer.out, "2 alerts are left out: the issues are gone."));
}
