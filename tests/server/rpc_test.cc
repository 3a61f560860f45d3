// Every method of the protocol over a socket, with every scope.
#include <fmt/format.h>

#include <functional>
#include <map>
#include <optional>
#include <set>

#include "server/rpc_client.h"

using namespace cairn;
using namespace cairn::testing;

namespace {

struct Ran {
  int code = -1;
  std::string out;
  std::string err;
  std::string error;
};

Ran run(RpcClient& client, schema::Session::Client session, const std::vector<std::string>& words) {
  auto request = session.runRequest();
  auto list = request.initWords(static_cast<kj::uint>(words.size()));
  for (kj::uint i = 0; i < words.size(); ++i) list.set(i, words[i].c_str());
  auto answer = request.send().wait(client.scope());
  Ran ran;
  ran.error = code_of(answer);
  ran.code = answer.getExitCode();
  for (const auto chunk : answer.getChunks()) {
    std::string& to = chunk.getToError() ? ran.err : ran.out;
    to.append(reinterpret_cast<const char*>(chunk.getBytes().begin()), chunk.getBytes().size());
  }
  return ran;
}

using MakeCommand = std::function<void(schema::Command::Builder)>;

capnp::Response<schema::Session::ExecuteResults> execute(RpcClient& client,
                                                         schema::Session::Client session,
                                                         const MakeCommand& make,
                                                         const std::string& key = {}) {
  auto request = session.executeRequest();
  make(request.initCommand());
  request.setKey(key.c_str());
  return request.send().wait(client.scope());
}

void set_note(schema::Command::Builder out, const std::string& issue, const std::string& text) {
  auto note = out.initNote();
  note.setIssue(issue.c_str());
  note.setText(text.c_str());
}

void set_merge(schema::Command::Builder out, const std::string& into,
               const std::vector<std::string>& issues) {
  auto merge = out.initMerge();
  merge.setInto(into.c_str());
  auto list = merge.initIssues(static_cast<kj::uint>(issues.size()));
  for (kj::uint i = 0; i < issues.size(); ++i) list.set(i, issues[i].c_str());
}

capnp::Response<schema::Acknowledgement> submit(RpcClient& client, schema::Ingest::Client ingest,
                                                const std::string& lines) {
  auto request = ingest.submitRequest();
  request.setLines(bytes_of(lines));
  return request.send().wait(client.scope());
}

void fill(ServerProcess& server, uint64_t project = 7, uint64_t first = 0) {
  RpcClient client("unix:" + server.socket());
  auto ingest = client.session().ingestRequest().send().wait(client.scope()).getIngest();
  std::string lines;
  for (uint64_t n = first; n < first + 30; ++n) {
    lines += occurrence_line(n, "g" + std::to_string(n % 5), project);
  }
  auto answer = submit(client, ingest, lines);
  REQUIRE(answer.getOutcomes().size() == 30);
  REQUIRE(answer.getRefused().size() == 0);
}

schema::Page::Reader page_of(const schema::Session::SearchResults::Reader& answer) {
  if (answer.hasError()) FAIL(answer.getError().getMessage().cStr());
  return answer.getPage();
}

class Collect final : public schema::Listener::Server {
 public:
  struct Seen {
    std::vector<std::set<std::string>> entered;
    std::vector<std::set<std::string>> changed;
    std::vector<std::set<std::string>> left;
  };
  explicit Collect(Seen& seen) : seen_(seen) {}
  kj::Promise<void> changed(ChangedContext context) override {
    const auto change = context.getParams().getChange();
    std::set<std::string> entered, changed, left;
    for (const auto issue : change.getEntered()) entered.insert(issue.getShortId().cStr());
    for (const auto issue : change.getChanged()) changed.insert(issue.getShortId().cStr());
    for (const auto name : change.getLeft()) left.insert(name.cStr());
    seen_.entered.push_back(entered);
    seen_.changed.push_back(changed);
    seen_.left.push_back(left);
    return kj::READY_NOW;
  }

 private:
  Seen& seen_;
};

// Takes what a verb writes, slowly, or not at all.
class Take final : public schema::Output::Server {
 public:
  Take(std::string& out, bool breaks, kj::Timer* slowly = nullptr)
      : out_(out), breaks_(breaks), slowly_(slowly) {}
  kj::Promise<void> write(WriteContext context) override {
    KJ_REQUIRE(!breaks_, "nobody reads");
    const auto bytes = context.getParams().getChunk().getBytes();
    out_.append(reinterpret_cast<const char*>(bytes.begin()), bytes.size());
    if (slowly_ == nullptr) return kj::READY_NOW;
    return slowly_->afterDelay(100 * kj::MILLISECONDS);
  }

 private:
  std::string& out_;
  const bool breaks_;
  kj::Timer* const slowly_;
};

}  // namespace

TEST_CASE("search, aggregate, run and ingest see one store") {
  ServerProcess server;
  fill(server);
  for (const std::string& address :
       {"unix:" + server.socket(), "127.0.0.1:" + std::to_string(server.port())}) {
    RpcClient client(address);
    auto session = client.session();
    auto search = session.searchRequest();
    search.setQuery("is:unresolved");
    search.setLimit(2);
    auto found = search.send().wait(client.scope());
    const auto page = page_of(found);
    CHECK(page.getTotal() == 5);
    REQUIRE(page.getIssues().size() == 2);
    CHECK(page.getIssues()[0].getTimesSeen() == 6);
    REQUIRE(page.getNext().size() > 0);
    auto more = session.searchRequest();
    more.setQuery("is:unresolved");
    more.setCursor(page.getNext());
    auto second = more.send().wait(client.scope());
    CHECK(page_of(second).getIssues()[0].getId() != page.getIssues()[0].getId());

    auto aggregate = session.aggregateRequest();
    aggregate.setQuery("level:error | count() by browser");
    auto table = aggregate.send().wait(client.scope());
    REQUIRE_FALSE(table.hasError());
    REQUIRE(table.getTable().getRows().size() == 1);
    CHECK(table.getTable().getRows()[0][0].getString() == "Firefox");
    CHECK(table.getTable().getRows()[0][1].getInteger() == 30);

    const Ran ran = run(client, session, {"query", "x", "| count()", "--json"});
    CHECK(ran.code == 0);
    CHECK(ran.out.find("[[30]]") != std::string::npos);
    const Ran help = run(client, session, {"query", "x", "is:unresolvd"});
    CHECK(help.code == 1);
    CHECK(help.err.find("unresolved") != std::string::npos);
  }
}

TEST_CASE("errors of queries are values with a position") {
  ServerProcess server;
  RpcClient client("unix:" + server.socket());
  auto session = client.session();
  auto search = session.searchRequest();
  search.setQuery("is:unresolved is:unresolvd");
  auto answer = search.send().wait(client.scope());
  CHECK(code_of(answer) == "invalid_argument");
  CHECK(answer.getError().getHasPosition());
  CHECK(answer.getError().getPosition() == 17);
  auto late = session.searchRequest();
  late.setAtLeast(1'000'000);
  CHECK(code_of(late.send().wait(client.scope())) == "conflict");
  auto many = session.searchRequest();
  many.setLimit(1'000'000);
  CHECK(code_of(many.send().wait(client.scope())) == "invalid_argument");
  auto page = session.aggregateRequest();
  page.setQuery("is:unresolved");
  CHECK(code_of(page.send().wait(client.scope())) == "invalid_argument");
}

TEST_CASE("a batch is acknowledged once, and repeating it changes nothing") {
  ServerProcess server;
  RpcClient client("unix:" + server.socket());
  auto ingest = client.session().ingestRequest().send().wait(client.scope()).getIngest();
  const std::string lines = occurrence_line(1, "a") + "\n  \n{broken\n" + occurrence_line(2, "a");
  auto first = submit(client, ingest, lines);
  REQUIRE(first.getOutcomes().size() == 3);
  CHECK(first.getOutcomes()[0] == 0);
  CHECK(first.getOutcomes()[1] == 4);
  CHECK(first.getOutcomes()[2] == 0);
  REQUIRE(first.getRefused().size() == 1);
  CHECK(first.getRefused()[0].getIndex() == 1);
  CHECK(first.getLsn() > 0);
  auto again = submit(client, ingest, lines);
  CHECK(again.getOutcomes()[0] == 1);
  CHECK(again.getOutcomes()[2] == 1);
  auto known = ingest.knownRequest();
  auto refs = known.initOccurrences(2);
  for (kj::uint i = 0; i < 2; ++i) {
    std::string id(16, '\0');
    id[7] = 7;
    id[15] = static_cast<char>(i == 0 ? 1 : 9);
    refs[i].setProject(7);
    refs[i].setId(bytes_of(id));
  }
  auto answer = known.send().wait(client.scope());
  REQUIRE(answer.getKnown().size() == 2);
  CHECK(answer.getKnown()[0]);
  CHECK_FALSE(answer.getKnown()[1]);
}

namespace {

// A method, or a verb of run(), and the scopes that allow it; admin always does.
struct Row {
  std::string name;
  std::function<std::string(RpcClient&, schema::Session::Client&)> method;
  std::set<std::string> allowed;
};

using Method = std::function<std::string(RpcClient&, schema::Session::Client&)>;

// Those about commands, one issue and experiments.
std::vector<Row> issue_rows() {
  const auto command = [](std::function<void(schema::Command::Builder)> make) -> Method {
    return [make = std::move(make)](RpcClient& client, schema::Session::Client& session) {
      return code_of(execute(client, session, make));
    };
  };
  return {
      {"history",
       [](RpcClient& client, schema::Session::Client& session) {
         auto request = session.historyRequest();
         request.setIssue("P7-1");
         return code_of(request.send().wait(client.scope()));
       },
       {"read"}},
      {"events",
       [](RpcClient& client, schema::Session::Client& session) {
         auto request = session.eventsRequest();
         request.setIssue("P7-1");
         return code_of(request.send().wait(client.scope()));
       },
       {"read"}},
      {"experiments",
       [](RpcClient& client, schema::Session::Client& session) {
         return code_of(session.experimentsRequest().send().wait(client.scope()));
       },
       {"read"}},
      {"compare",
       [](RpcClient& client, schema::Session::Client& session) {
         return code_of(session.compareRequest().send().wait(client.scope()));
       },
       {"read"}},
      {"execute note", command([](auto out) { set_note(out, "P7-1", "text"); }), {"triage"}},
      {"execute sweep",
       command([](auto out) { out.initSweep().setRule("merge by title"); }),
       {"triage"}},
      {"execute setRelease",
       command([](auto out) {
         auto release = out.initSetRelease();
         release.setProject(7);
         release.setVersion("1.0");
       }),
       {}},
      {"execute setProject",
       command([](auto out) {
         auto project = out.initSetProject();
         project.setProject(7);
         project.setHoldBack(schema::SetProject::Switch::OFF);
       }),
       {}},
  };
}

std::vector<Row> method_rows() {
  const auto verb = [](std::vector<std::string> words) -> Method {
    return [words = std::move(words)](RpcClient& client, schema::Session::Client& session) {
      const Ran ran = run(client, session, words);
      return ran.code == 0                                          ? ""
             : ran.err.find("needs the scope") != std::string::npos ? "denied"
                                                                    : ran.err;
    };
  };
  return {
      {"info",
       [](RpcClient& client, schema::Session::Client& session) {
         (void)session.infoRequest().send().wait(client.scope());
         return std::string();
       },
       {"read", "triage", "ingest"}},
      {"search",
       [](RpcClient& client, schema::Session::Client& session) {
         return code_of(session.searchRequest().send().wait(client.scope()));
       },
       {"read"}},
      {"aggregate",
       [](RpcClient& client, schema::Session::Client& session) {
         auto request = session.aggregateRequest();
         request.setQuery("| count()");
         return code_of(request.send().wait(client.scope()));
       },
       {"read"}},
      {"ingest",
       [](RpcClient& client, schema::Session::Client& session) {
         return code_of(session.ingestRequest().send().wait(client.scope()));
       },
       {"ingest"}},
      {"subscribe",
       [](RpcClient& client, schema::Session::Client& session) {
         Collect::Seen seen;
         auto request = session.subscribeRequest();
         request.setListener(kj::heap<Collect>(seen));
         return code_of(request.send().wait(client.scope()));
       },
       {"read"}},
      {"run query", verb({"query", "s"}), {"read"}},
      {"run export", verb({"export", "s"}), {"read"}},
      {"run show", verb({"show", "s", "P7-1"}), {"read"}},
      {"run history", verb({"history", "s", "P7-1"}), {"read"}},
      {"run events", verb({"events", "s", "P7-1"}), {"read"}},
      {"run tags", verb({"tags", "s", "P7-1"}), {"read"}},
      {"run stats", verb({"stats", "s"}), {"read"}},
      {"run log", verb({"log", "s"}), {"read"}},
      {"run projects", verb({"projects", "s"}), {"read"}},
      {"run note", verb({"note", "s", "P7-1", "text"}), {"triage"}},
      {"run merge", verb({"merge", "s", "P7-2", "P7-3"}), {"triage"}},
      {"run unmerge", verb({"unmerge", "s", "P7-2"}), {"triage"}},
      {"run tick", verb({"tick", "s"}), {"triage"}},
      {"run projects set", verb({"projects", "s", "set", "7", "--slug", "shop"}), {}},
      {"run compact", verb({"compact", "s"}), {}},
  };
}

}  // namespace

TEST_CASE("every method with every scope") {
  ServerProcess server;
  fill(server);
  std::map<std::string, std::string> tokens;
  for (const std::string scope : {"read", "triage", "ingest", "admin"}) {
    tokens[scope] = server.token(scope, "--scope " + scope);
  }
  std::vector<Row> rows = method_rows();
  for (const Row& row : issue_rows()) rows.push_back(row);
  for (const auto& [scope, token] : tokens) {
    RpcClient client("127.0.0.1:" + std::to_string(server.port()));
    auto session = client.session(token);
    for (const Row& row : rows) {
      // What has a new slug is looked for under the old one no more.
      if (scope == "admin" && row.name == "run projects set") continue;
      INFO(scope << ": " << row.name);
      const bool allowed = scope == "admin" || row.allowed.contains(scope);
      CHECK(row.method(client, session) == (allowed ? "" : "denied"));
    }
  }
}

TEST_CASE("a session can be narrowed, never widened") {
  ServerProcess server;
  RpcClient client("unix:" + server.socket());
  auto all = client.session();
  auto narrow = [&](schema::Session::Client from, std::vector<schema::Scope> scopes,
                    std::vector<uint64_t> projects) {
    auto request = from.narrowRequest();
    auto to = request.initTo();
    auto list = to.initScopes(static_cast<kj::uint>(scopes.size()));
    for (kj::uint i = 0; i < scopes.size(); ++i) list.set(i, scopes[i]);
    auto numbers = to.initProjects(static_cast<kj::uint>(projects.size()));
    for (kj::uint i = 0; i < projects.size(); ++i) numbers.set(i, projects[i]);
    return request.send().wait(client.scope());
  };
  auto reading = narrow(all, {schema::Scope::READ}, {7});
  REQUIRE(code_of(reading).empty());
  CHECK(code_of(reading.getSession().searchRequest().send().wait(client.scope())).empty());
  CHECK(code_of(reading.getSession().ingestRequest().send().wait(client.scope())) == "denied");
  CHECK(code_of(narrow(reading.getSession(), {schema::Scope::ADMIN}, {8})) == "denied");
  auto wider = narrow(reading.getSession(), {schema::Scope::ADMIN}, {});
  REQUIRE(code_of(wider).empty());
  auto info = wider.getSession().infoRequest().send().wait(client.scope());
  REQUIRE(info.getSession().getRights().getScopes().size() == 1);
  CHECK(info.getSession().getRights().getScopes()[0] == schema::Scope::READ);
  REQUIRE(info.getSession().getRights().getProjects().size() == 1);
  CHECK(info.getSession().getRights().getProjects()[0] == 7);
  CHECK(code_of(narrow(all, {}, {})) == "denied");
}

namespace {

// Projects 7 and 8, and a session of a token that is limited to the first.
struct Limited {
  Limited() {
    fill(server, 7);
    fill(server, 8);
    const std::string token =
        server.token("seven", "--scope read --scope triage --scope ingest --project 7");
    client.emplace("127.0.0.1:" + std::to_string(server.port()));
    session = client->session(token);
  }
  ServerProcess server;
  std::optional<RpcClient> client;
  schema::Session::Client session = nullptr;
};

}  // namespace

TEST_CASE("who is limited to projects sees nothing of others") {
  Limited world;
  RpcClient& client = *world.client;
  auto session = world.session;
  const auto total = [&](const std::string& query) {
    auto request = session.searchRequest();
    request.setQuery(query.c_str());
    auto answer = request.send().wait(client.scope());
    return answer.hasError() ? -1 : static_cast<int>(answer.getPage().getTotal());
  };
  CHECK(total("") == 5);
  CHECK(total("project:7") == 5);
  CHECK(total("project:8") == 0);
  CHECK(total("project:[7, 8]") == 5);
  CHECK(total("issue:P8-1") == 0);
  CHECK(total("browser:Firefox") == 5);
  CHECK(total("!project:7") == 0);
  auto table = session.aggregateRequest();
  for (const std::string query : {"| count()", "project:[7, 8] | count()",
                                  "browser:Firefox | count()", "level:error | count()"}) {
    INFO(query);
    table = session.aggregateRequest();
    table.setQuery(query.c_str());
    auto answer = table.send().wait(client.scope());
    REQUIRE_FALSE(answer.hasError());
    CHECK(answer.getTable().getRows()[0][0].getInteger() == 30);
  }
  const auto count = [&](const std::vector<std::string>& words, const std::string& piece) {
    const Ran ran = run(client, session, words);
    size_t found = 0;
    for (size_t at = 0; (at = ran.out.find(piece, at)) != std::string::npos; ++at) ++found;
    return found;
  };
  CHECK(count({"export", "s"}, "\"project_id\":7") >= 30);
  CHECK(count({"export", "s"}, "\"project_id\":8") == 0);
  CHECK(count({"export", "s", "project:8"}, "project_id") == 0);
  CHECK(count({"query", "s", "--json"}, "P8-") == 0);
  CHECK(count({"query", "s", "| count() by project", "--json"}, "30") == 1);
}

TEST_CASE("who is limited to projects changes nothing of others") {
  Limited world;
  RpcClient& client = *world.client;
  auto session = world.session;
  for (const std::string verb : {"show", "history", "events", "tags"}) {
    INFO(verb);
    CHECK(run(client, session, {verb, "s", "P7-1"}).code == 0);
    const Ran theirs = run(client, session, {verb, "s", "P8-1"});
    const Ran nobodys = run(client, session, {verb, "s", "P9-1"});
    CHECK(theirs.code == 1);
    CHECK(theirs.out.empty());
    // Nobody can tell one from the other.
    const auto before_name = [](const std::string& text) {
      return text.substr(0, text.find('\''));
    };
    CHECK(before_name(theirs.err) == before_name(nobodys.err));
  }
  CHECK(run(client, session, {"merge", "s", "P7-1", "P8-1"}).code == 1);
  CHECK(run(client, session, {"resolve", "s", "P7-1", "P8-1"}).code == 1);
  CHECK(run(client, session, {"resolve", "s", "fingerprint:g1"}).code == 1);
  CHECK(run(client, session, {"resolve", "s", "P7-1"}).code == 0);
  for (const std::string verb :
       {"stats", "log", "fields", "projects", "types", "releases", "tick"}) {
    INFO(verb);
    const Ran ran = run(client, session, {verb, "s"});
    CHECK(ran.code == 1);
    CHECK(ran.out.empty());
  }
  auto ingest = session.ingestRequest().send().wait(client.scope()).getIngest();
  auto mixed = submit(client, ingest, occurrence_line(900, "x", 7) + occurrence_line(900, "x", 8));
  CHECK(mixed.getOutcomes()[0] == 0);
  CHECK(mixed.getOutcomes()[1] == 4);
  CHECK(mixed.getRefused()[0].getError().getCode() == schema::ErrorCode::DENIED);
}

TEST_CASE("commands are for the projects of a token") {
  Limited world;
  RpcClient& client = *world.client;
  auto session = world.session;
  const auto code = [&](const MakeCommand& make) {
    return code_of(execute(client, session, make));
  };
  CHECK(code([](auto out) { set_merge(out, "P7-1", {"P8-1"}); }) == "not_found");
  CHECK(code([](auto out) { set_merge(out, "P8-1", {"P7-1"}); }) == "not_found");
  CHECK(code([](auto out) { set_note(out, "P8-1", "text"); }) == "not_found");
  CHECK(code([](auto out) { out.setUnresolve("P8-1"); }) == "not_found");
  CHECK(code([](auto out) { out.setUnresolve("8:fingerprint:g1"); }) == "denied");
  CHECK(code([](auto out) { out.setRejoin("P8-1"); }) == "not_found");
  CHECK(code([](auto out) { out.initUnmerge().setView("P8-1"); }) == "not_found");
  CHECK(code([](auto out) { out.initSweep().setRule("merge by title"); }) == "denied");
  CHECK(code([](auto out) { out.initNewExperiment().setName("e"); }) == "denied");
  CHECK(code([](auto out) { set_note(out, "P7-1", "text"); }).empty());
  for (const char* issue : {"P8-1", "P9-1"}) {
    auto history = session.historyRequest();
    history.setIssue(issue);
    CHECK(code_of(history.send().wait(client.scope())) == "not_found");
    auto events = session.eventsRequest();
    events.setIssue(issue);
    CHECK(code_of(events.send().wait(client.scope())) == "not_found");
  }
  auto history = session.historyRequest();
  history.setIssue("P7-1");
  CHECK(code_of(history.send().wait(client.scope())).empty());
  CHECK(code_of(session.experimentsRequest().send().wait(client.scope())) == "denied");
  CHECK(code_of(session.compareRequest().send().wait(client.scope())) == "denied");
}

TEST_CASE("tokens that are wrong, expired or revoked") {
  ServerProcess server;
  const std::string token = server.token("a", "--scope read");
  const std::string brief = server.token("brief", "--scope read --expires 6s");
  const std::string address = "127.0.0.1:" + std::to_string(server.port());
  RpcClient client(address);
  const auto code = [&](const std::string& text) {
    auto request = client.door().authenticateRequest();
    request.setToken(text.c_str());
    return code_of(request.send().wait(client.scope()));
  };
  auto expiring = client.session(brief);
  auto session = client.session(token);
  CHECK(code("").empty() == false);
  CHECK(code("cairn_a_x") == "denied");
  CHECK(code(token + "x") == "denied");
  CHECK(code(token).empty());
  CHECK(code_of(expiring.searchRequest().send().wait(client.scope())).empty());
  (void)output_of("token " + server.store() + " revoke a");
  for (auto& one : {&session, &expiring}) {
    std::string ended;
    do {
      ended = code_of(one->searchRequest().send().wait(client.scope()));
    } while (ended.empty() && client.again());
    CHECK(ended == "closed");
  }
  CHECK(code(brief) == "denied");
}

TEST_CASE("a subscription tells what enters, changes and leaves") {
  ServerProcess server;
  fill(server);
  RpcClient client("unix:" + server.socket());
  auto session = client.session();
  Collect::Seen seen;
  auto request = session.subscribeRequest();
  request.setQuery("is:unresolved");
  request.setListener(kj::heap<Collect>(seen));
  auto subscription = request.send().wait(client.scope()).getSubscription();
  const auto wait_for = [&](size_t calls) {
    for (int i = 0; i < 100 && seen.entered.size() < calls; ++i) {
      client.timer().afterDelay(100 * kj::MILLISECONDS).wait(client.scope());
    }
    REQUIRE(seen.entered.size() >= calls);
  };
  wait_for(1);
  CHECK(seen.entered[0].size() == 5);
  REQUIRE(run(client, session, {"resolve", "s", "P7-2"}).code == 0);
  wait_for(2);
  CHECK(seen.left[1] == std::set<std::string>{"P7-2"});
  CHECK(seen.entered[1].empty());
  REQUIRE(run(client, session, {"unresolve", "s", "P7-2"}).code == 0);
  wait_for(3);
  CHECK(seen.entered[2] == std::set<std::string>{"P7-2"});
  REQUIRE(run(client, session, {"assign", "s", "P7-3", "user:1"}).code == 0);
  wait_for(4);
  CHECK(seen.changed[3] == std::set<std::string>{"P7-3"});
  subscription = nullptr;
  client.timer().afterDelay(100 * kj::MILLISECONDS).wait(client.scope());
  REQUIRE(run(client, session, {"resolve", "s", "P7-4"}).code == 0);
  client.timer().afterDelay(1200 * kj::MILLISECONDS).wait(client.scope());
  CHECK(seen.entered.size() == 4);
}

TEST_CASE("long answers come piece by piece, and end when nobody takes them") {
  ServerProcess server;
  RpcClient client("unix:" + server.socket());
  auto session = client.session();
  auto ingest = session.ingestRequest().send().wait(client.scope()).getIngest();
  std::string lines;
  for (uint64_t n = 0; n < 10'000; ++n) lines += occurrence_line(n, "g" + std::to_string(n % 50));
  REQUIRE(submit(client, ingest, lines).getOutcomes().size() == 10'000);
  std::string out;
  const auto request = [&](bool breaks) {
    auto one = session.runRequest();
    auto words = one.initWords(2);
    words.set(0, "export");
    words.set(1, "s");
    one.setOutput(kj::heap<Take>(out, breaks));
    return one;
  };
  auto answer = request(false).send().wait(client.scope());
  CHECK(answer.getExitCode() == 0);
  for (const auto chunk : answer.getChunks()) {
    out.append(reinterpret_cast<const char*>(chunk.getBytes().begin()), chunk.getBytes().size());
  }
  CHECK(std::count(out.begin(), out.end(), '\n') == 10'000);
  CHECK(request(true).send().wait(client.scope()).getExitCode() == 130);
  // Dropped in the middle: the session goes on.
  for (int i = 0; i < 20; ++i) {
    auto promise = request(false).send();
    client.timer().afterDelay(i * kj::MILLISECONDS).wait(client.scope());
  }
  CHECK(run(client, session, {"query", "s", "| count()", "--json"}).out.find("[[10000]]") !=
        std::string::npos);
}

TEST_CASE("a verb that takes too long ends, whoever reads it") {
  ServerProcess server("verb_ms = 300\n");
  RpcClient client("unix:" + server.socket());
  auto session = client.session();
  auto ingest = session.ingestRequest().send().wait(client.scope()).getIngest();
  // More than a verb may be ahead of who reads.
  const std::string evidence = "{\"text\":\"" + std::string(2500, 'x') + "\"}";
  for (uint64_t n = 0; n < 10'000;) {
    std::string lines;
    for (const uint64_t end = n + 1000; n < end; ++n) {
      std::string line = occurrence_line(n, "g" + std::to_string(n % 50));
      const std::string empty = "\"evidence_data\":{}";
      line.replace(line.find(empty), empty.size(), "\"evidence_data\":" + evidence);
      lines += line;
    }
    REQUIRE(submit(client, ingest, lines).getOutcomes().size() == 1000);
  }
  // A reader that takes ten seconds for all of it.
  std::string out;
  auto request = session.runRequest();
  auto words = request.initWords(2);
  words.set(0, "export");
  words.set(1, "s");
  request.setOutput(kj::heap<Take>(out, false, &client.timer()));
  auto answer = request.send().wait(client.scope());
  CHECK(answer.getExitCode() == 1);
  for (const auto chunk : answer.getChunks()) {
    out.append(reinterpret_cast<const char*>(chunk.getBytes().begin()), chunk.getBytes().size());
  }
  CHECK(std::count(out.begin(), out.end(), '\n') < 10'000);
  CHECK(out.find("export took longer than 300 ms") != std::string::npos);
  CHECK(session.infoRequest().send().wait(client.scope()).getSession().getVerbMs() == 300);
  // The session goes on.
  CHECK(run(client, session, {"query", "s", "| count()"}).code == 0);
}

TEST_CASE("a token's limits are those of its sessions, never above the server's") {
  ServerProcess server("query_ms = 5000\ncalls = 20\n");
  const std::string token = server.token(
      "narrow",
      "--scope admin --requests-per-second 5 --query-ms 9000 --query-memory-bytes 1 --calls 3 "
      "--message-bytes 65536 --verb-ms 700");
  fill(server);
  // The connection takes what its widest session may send; one of the narrow alone takes less.
  {
    RpcClient alone("unix:" + server.socket());
    auto large = alone.session(token).runRequest();
    large.initWords(1).set(0, std::string(100'000, 'a').c_str());
    CHECK_THROWS(large.send().wait(alone.scope()));
  }
  RpcClient client("unix:" + server.socket());
  auto session = client.session(token);
  const auto answer = session.infoRequest().send().wait(client.scope());
  const auto info = answer.getSession();
  CHECK(info.getRequestsPerSecond() == 5);
  CHECK(info.getTimeMs() == 5000);
  CHECK(info.getMemoryBytes() == 1);
  CHECK(info.getMaxCalls() == 3);
  CHECK(info.getMaxMessageBytes() == 65536);
  CHECK(info.getVerbMs() == 700);
  // Memory of a question, typed and as a verb.
  auto table = session.aggregateRequest();
  table.setQuery("browser:*fox | count() by title");
  CHECK(code_of(table.send().wait(client.scope())) == "exhausted");
  CHECK(run(client, session, {"query", "s", "browser:*fox | count() by title"}).code == 1);
  std::set<std::string> codes;
  for (int i = 0; i < 20; ++i) {
    codes.insert(code_of(session.searchRequest().send().wait(client.scope())));
  }
  CHECK(codes.contains("exhausted"));
  // Others have what the server gives.
  auto other = client.session();
  const auto wide = other.infoRequest().send().wait(client.scope());
  CHECK(wide.getSession().getMaxCalls() == 20);
  CHECK(wide.getSession().getMemoryBytes() == 1u << 30);
  auto large = other.runRequest();
  large.initWords(1).set(0, std::string(100'000, 'a').c_str());
  CHECK(large.send().wait(client.scope()).getExitCode() == 2);
}

TEST_CASE("limits of a session hold") {
  ServerProcess server("requests_per_second = 20\nmessage_bytes = 65536\n");
  int busy = 0;
  {
    RpcClient client("unix:" + server.socket());
    auto session = client.session();
    for (int i = 0; i < 60; ++i) {
      auto answer = session.searchRequest().send().wait(client.scope());
      if (code_of(answer) != "exhausted") continue;
      ++busy;
      CHECK(answer.getError().getRetryAfterMs() > 0);
    }
  }
  CHECK(busy > 0);
  // A message that is too large ends the connection.
  RpcClient large("unix:" + server.socket());
  auto request = large.session().runRequest();
  auto words = request.initWords(1);
  words.set(0, std::string(100'000, 'a').c_str());
  CHECK_THROWS(request.send().wait(large.scope()));
}

TEST_CASE("SIGTERM ends a server in order, with everything acknowledged in it") {
  ServerProcess server;
  fill(server);
  const int status = server.stop(SIGTERM);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  CHECK(output_of("query " + server.store() + " '| count()' --json").find("[[30]]") !=
        std::string::npos);
}
