// Commands, and what is told of one issue and of experiments, as values over a socket.
#include <functional>
#include <map>
#include <optional>

#include "server/rpc_client.h"

using namespace cairn;
using namespace cairn::testing;

namespace {

using MakeCommand = std::function<void(schema::Command::Builder)>;

// A server with 30 occurrences in the issues P7-1 to P7-5.
struct World {
  World() {
    auto ingest = session.ingestRequest().send().wait(client.scope()).getIngest();
    std::string lines;
    for (uint64_t n = 0; n < 30; ++n) lines += occurrence_line(n, "g" + std::to_string(n % 5));
    auto request = ingest.submitRequest();
    request.setLines(bytes_of(lines));
    REQUIRE(request.send().wait(client.scope()).getRefused().size() == 0);
  }

  // Precondition: the last answer is not used any more.
  schema::Executed::Reader execute(const MakeCommand& make, const std::string& key = {}) {
    auto request = session.executeRequest();
    make(request.initCommand());
    request.setKey(key.c_str());
    request.setActor("user:1");
    last.emplace(request.send().wait(client.scope()));
    if (last->hasError()) FAIL(last->getError().getMessage().cStr());
    return last->getDone();
  }
  schema::ErrorCode refused(const MakeCommand& make) {
    auto request = session.executeRequest();
    make(request.initCommand());
    auto answer = request.send().wait(client.scope());
    REQUIRE(answer.hasError());
    return answer.getError().getCode();
  }
  uint64_t issues(const std::string& experiment = {}) {
    auto request = session.searchRequest();
    request.setExperiment(experiment.c_str());
    auto answer = request.send().wait(client.scope());
    if (answer.hasError()) FAIL(answer.getError().getMessage().cStr());
    return answer.getPage().getTotal();
  }
  std::string status(const std::string& issue) {
    auto request = session.searchRequest();
    request.setQuery(("issue:" + issue).c_str());
    auto answer = request.send().wait(client.scope());
    if (answer.hasError()) FAIL(answer.getError().getMessage().cStr());
    REQUIRE(answer.getPage().getIssues().size() == 1);
    const auto found = answer.getPage().getIssues()[0];
    return std::string(found.getStatus().cStr()) + "/" + found.getSubstatus().cStr() + "/" +
           found.getPriority().cStr() + "/" + found.getAssignee().cStr();
  }
  capnp::Response<schema::Session::HistoryResults> history(const std::string& issue,
                                                           uint32_t limit = 0) {
    auto request = session.historyRequest();
    request.setIssue(issue.c_str());
    request.setLimit(limit);
    return request.send().wait(client.scope());
  }

  ServerProcess server;
  RpcClient client{"unix:" + server.socket()};
  schema::Session::Client session = client.session();
  std::optional<capnp::Response<schema::Session::ExecuteResults>> last;
};

void set_texts(capnp::List<capnp::Text>::Builder list, const std::vector<std::string>& texts) {
  for (kj::uint i = 0; i < texts.size(); ++i) list.set(i, texts[i].c_str());
}

MakeCommand merge(const std::string& into, const std::vector<std::string>& issues) {
  return [=](schema::Command::Builder out) {
    auto wish = out.initMerge();
    wish.setInto(into.c_str());
    set_texts(wish.initIssues(static_cast<kj::uint>(issues.size())), issues);
  };
}

}  // namespace

TEST_CASE("groups are made and undone by commands") {
  World world;
  auto done = world.execute(merge("P7-1", {"P7-2", "P7-3"}), "k1");
  CHECK(done.getOutcome() == schema::Outcome::STORED);
  CHECK(done.getIssue() == "P7-1");
  REQUIRE(done.getIssues().size() == 2);
  const uint64_t lsn = done.getLsn();
  CHECK(lsn == 31 + 1);  // behind the record that made the store, and 30 occurrences
  CHECK(world.issues() == 3);
  // The same key again, whatever the wish.
  done = world.execute(merge("P7-1", {"P7-4"}), "k1");
  CHECK(done.getOutcome() == schema::Outcome::DUPLICATE);
  CHECK(done.getLsn() == lsn);
  CHECK(world.issues() == 3);
  done = world.execute([](auto out) { out.initUnmerge().setView("P7-1"); });
  CHECK(done.getIssues().size() == 2);
  CHECK(world.issues() == 5);
  done = world.execute([](auto out) {
    auto wish = out.initMergeNew();
    wish.setTitle("Both");
    set_texts(wish.initIssues(2), {"P7-4", "7:fingerprint:g4"});
  });
  CHECK(done.getIssue() == "P7-6");
  CHECK(world.issues() == 4);
  done = world.execute([](auto out) {
    auto wish = out.initUnmerge();
    wish.setView("P7-6");
    wish.setNthLast(1);
  });
  CHECK(done.getIssues().size() == 2);
  CHECK(world.refused([](auto out) {
    auto wish = out.initSplit();
    wish.setIssue("P7-5");
    set_texts(wish.initFingerprints(1), {"g4"});
  }) == schema::ErrorCode::INVALID_ARGUMENT);  // nothing would be left
  CHECK(world.refused([](auto out) { out.setRejoin("P7-1"); }) == schema::ErrorCode::CONFLICT);
}

TEST_CASE("the life of an issue goes by commands") {
  World world;
  world.execute([](auto out) { out.initResolve().setIssue("P7-1"); });
  CHECK(world.status("P7-1").starts_with("resolved//"));
  CHECK(world.execute([](auto out) { out.initResolve().setIssue("P7-1"); }).getOutcome() ==
        schema::Outcome::NO_CHANGE);
  world.execute([](auto out) { out.setUnresolve("P7-1"); });
  CHECK(world.status("P7-1").starts_with("unresolved/ongoing/"));
  world.execute([](auto out) {
    auto wish = out.initArchive();
    wish.setIssue("P7-1");
    wish.setForever(true);
  });
  CHECK(world.status("P7-1").starts_with("ignored/forever/"));
  world.execute([](auto out) {
    auto wish = out.initSetPriority();
    wish.setIssue("P7-1");
    wish.setPriority("low");
  });
  world.execute([](auto out) {
    auto wish = out.initAssign();
    wish.setIssue("P7-1");
    wish.setAssignee("team:4");
  });
  CHECK(world.status("P7-1") == "ignored/forever/low/team:4");
  world.execute([](auto out) {
    auto wish = out.initAttention();
    wish.setIssue("P7-1");
    wish.setWhat(schema::Attention::What::BOOKMARKED);
    wish.setWho("user:3");
  });
  world.execute([](auto out) {
    auto wish = out.initLink();
    wish.setIssue("P7-1");
    wish.setUrl("https://tracker.example/1");
  });
  world.execute([](auto out) {
    auto wish = out.initNote();
    wish.setIssue("P7-1");
    wish.setText("looked at");
  });
  world.execute([](auto out) {
    auto wish = out.initSetStanding();
    wish.setIssue("P7-2");
    wish.setStanding(schema::SetStanding::Standing::DISCARDED);
  });
  CHECK(world.issues() == 4);
  world.execute([](auto out) {
    auto wish = out.initSetRelease();
    wish.setProject(7);
    wish.setVersion("1.0");
  });
  world.execute([](auto out) {
    auto wish = out.initSetProject();
    wish.setProject(7);
    wish.setSlug("shop");
    wish.setAutoResolveHours(12);
  });
  CHECK(world.status("SHOP-1") == "ignored/forever/low/team:4");
}

TEST_CASE("the history of an issue tells who did what") {
  World world;
  world.execute([](auto out) { out.initResolve().setIssue("P7-1"); });
  world.execute([](auto out) { out.setUnresolve("P7-1"); });
  world.execute([](auto out) {
    auto wish = out.initAssign();
    wish.setIssue("P7-1");
    wish.setAssignee("team:4");
  });
  world.execute([](auto out) {
    auto wish = out.initNote();
    wish.setIssue("P7-1");
    wish.setText("looked at");
  });
  auto answer = world.history("P7-1");
  REQUIRE_FALSE(answer.hasError());
  const auto told = answer.getHistory();
  CHECK(told.getIssue() == "P7-1");
  CHECK(told.getTotal() == told.getEntries().size());
  std::map<std::string, int> kinds;
  uint64_t before = 0;
  for (const auto entry : told.getEntries()) {
    ++kinds[entry.getWhat().cStr()];
    CHECK(entry.getLsn() >= before);
    before = entry.getLsn();
    CHECK(entry.getIssue() == "P7-1");
    if (entry.getWhat() != "created") CHECK(entry.getActor() == "user:1");
  }
  CHECK(kinds["created"] == 1);
  CHECK(kinds["status"] == 2);
  CHECK(kinds["note"] == 1);
  CHECK(kinds["assignee"] == 1);
  auto newest = world.history("P7-1", 1);
  REQUIRE(newest.getHistory().getEntries().size() == 1);
  CHECK(newest.getHistory().getTotal() == told.getTotal());
  CHECK(newest.getHistory().getEntries()[0].getLsn() == before);
  CHECK(world.history("P7-1", 10'001).getError().getCode() == schema::ErrorCode::INVALID_ARGUMENT);
  CHECK(world.history("P7-77").getError().getCode() == schema::ErrorCode::NOT_FOUND);
}

TEST_CASE("commands that cannot be are refused as values") {
  World world;
  CHECK(world.refused([](auto out) { out.setNone(); }) == schema::ErrorCode::INVALID_ARGUMENT);
  CHECK(world.refused(merge("P7-99", {"P7-1"})) == schema::ErrorCode::NOT_FOUND);
  CHECK(world.refused(merge("P7-1", {"P7-1"})) == schema::ErrorCode::INVALID_ARGUMENT);
  CHECK(world.refused([](auto out) {
    auto wish = out.initResolve();
    wish.setIssue("P7-1");
    wish.setHow(static_cast<schema::Resolve::How>(77));
  }) == schema::ErrorCode::INVALID_ARGUMENT);
  CHECK(world.refused([](auto out) {
    auto wish = out.initSetProject();
    wish.setProject(7);
    wish.setAutoResolveHours(int64_t{1} << 40);
  }) == schema::ErrorCode::INVALID_ARGUMENT);
  CHECK(world.refused([](auto out) { out.initSweep().setRule("merge nonsense"); }) ==
        schema::ErrorCode::INVALID_ARGUMENT);
  CHECK(world.refused([](auto out) {
    auto wish = out.initSweep();
    wish.setRule("merge by level");
    wish.setLimit(2);
  }) == schema::ErrorCode::EXHAUSTED);
  CHECK(world.issues() == 5);
}

TEST_CASE("occurrences of an issue come in pages") {
  World world;
  world.execute(merge("P7-1", {"P7-2"}));
  const auto ask = [&](bool alone, const std::string& cursor, const std::string& filter = {}) {
    auto request = world.session.eventsRequest();
    request.setIssue("P7-1");
    request.setAlone(alone);
    request.setCursor(cursor.c_str());
    request.setFilter(filter.c_str());
    if (cursor.empty()) request.setLimit(5);
    return request.send().wait(world.client.scope());
  };
  std::map<std::string, std::string> seen;
  std::string cursor;
  do {
    auto answer = ask(false, cursor);
    REQUIRE_FALSE(answer.hasError());
    const auto page = answer.getPage();
    CHECK(page.getTotal() == 12);
    for (const auto event : page.getEvents()) {
      CHECK(event.getIssue() == "P7-1");
      CHECK(std::string(event.getJson().cStr()).starts_with('{'));
      seen[event.getId().cStr()] = event.getLeaf().cStr();
    }
    cursor = page.getNext().cStr();
  } while (!cursor.empty());
  CHECK(seen.size() == 12);
  CHECK(std::count_if(seen.begin(), seen.end(),
                      [](const auto& one) { return one.second == "P7-2"; }) == 6);
  CHECK(ask(true, {}).getPage().getTotal() == 6);
  CHECK(ask(false, {}, "level:fatal").getPage().getTotal() == 0);
  auto wrong = ask(false, {}, "level:(");
  REQUIRE(wrong.hasError());
  CHECK(wrong.getError().getHasPosition());
  CHECK(ask(false, "guess").getError().getCode() == schema::ErrorCode::INVALID_ARGUMENT);
}

TEST_CASE("experiments are made, compared, promoted and dropped") {
  World world;
  world.execute([](auto out) { out.initNewExperiment().setName("e"); });
  world.execute([](auto out) {
    auto wish = out.initAddRule();
    wish.setExperiment("e");
    wish.setRule("merge by level");
  });
  CHECK(world.issues() == 5);
  CHECK(world.issues("e") == 1);
  const auto list = [&] {
    return world.session.experimentsRequest().send().wait(world.client.scope());
  };
  auto listed = list();
  REQUIRE(listed.getExperiments().size() == 1);
  const auto experiment = listed.getExperiments()[0];
  CHECK(experiment.getName() == "e");
  CHECK(experiment.getPromoted() == 0);
  REQUIRE(experiment.getSteps().size() == 1);
  CHECK(experiment.getSteps()[0].getRule() == "merge by level");
  CHECK(experiment.getSteps()[0].getMerged() == 4);
  const auto compare = [&](const std::string& before, const std::string& after) {
    auto request = world.session.compareRequest();
    request.setBefore(before.c_str());
    request.setAfter(after.c_str());
    request.setLimit(10);
    return request.send().wait(world.client.scope());
  };
  {
    auto answer = compare("", "e");
    REQUIRE_FALSE(answer.hasError());
    const auto found = answer.getComparison();
    CHECK(found.getOccurrences() == 30);
    CHECK(found.getMoved() == 24);
    CHECK(found.getBefore().getIssues() == 5);
    CHECK(found.getAfter().getIssues() == 1);
    CHECK(found.getAfter().getLargest() == 30);
    REQUIRE(found.getChanges().size() == 1);
    CHECK(found.getChanges()[0].getIssue() == "P7-1");
    CHECK(found.getChanges()[0].getMoved() == 24);
    CHECK(found.getChanges()[0].getParts() == 5);
  }
  CHECK(compare("", "none").getError().getCode() == schema::ErrorCode::NOT_FOUND);
  const uint64_t promoted =
      world.execute([](auto out) { out.initPromoteExperiment().setName("e"); }).getLsn();
  CHECK(world.issues() == 1);
  CHECK(list().getExperiments()[0].getPromoted() == promoted);
  world.execute([&](auto out) { out.setUndoRegrouping(promoted); });
  CHECK(world.issues() == 5);
  world.execute([](auto out) { out.setDropExperiment("e"); });
  CHECK(list().getExperiments().size() == 0);
  const uint64_t swept =
      world.execute([](auto out) { out.initSweep().setRule("merge by level"); }).getLsn();
  CHECK(world.issues() == 1);
  world.execute([&](auto out) { out.setUndoRegrouping(swept); });
  CHECK(world.issues() == 5);
}
