// Rules of alerts over a socket: every method with every scope and for some projects only, and what
// alerts have to say pushed to the client, across lost connections.
#include <algorithm>
#include <fstream>
#include <functional>
#include <map>
#include <set>
#include <utility>

#include "server/rpc_client.h"

using namespace cairn;
using namespace cairn::testing;

namespace {

using Session = schema::Session::Client;

const char* const kNew = R"({"name":"New","when":{"event":"first_seen"}})";
const char* const kNewOfSeven = R"({"name":"Seven","projects":[7],"when":{"event":"first_seen"}})";
const char* const kMany = R"({"name":"Many","time_window":5,"projects":[7],
    "triggers":[{"label":"critical","alert_threshold":10}]})";
const char* const kQuiet = R"({"name":"Quiet","time_window":5,"projects":[7],
    "threshold_type":"below","triggers":[{"label":"critical","alert_threshold":1}]})";

capnp::Response<schema::Session::AddRulesResults> add(RpcClient& client, Session session,
                                                      const std::vector<std::string>& rules,
                                                      const std::string& key = {}) {
  auto request = session.addRulesRequest();
  auto list = request.initRules(static_cast<kj::uint>(rules.size()));
  for (kj::uint i = 0; i < rules.size(); ++i) list.set(i, rules[i].c_str());
  request.setKey(key.c_str());
  return request.send().wait(client.scope());
}

capnp::Response<schema::Session::RulesResults> rules(RpcClient& client, Session session) {
  return session.rulesRequest().send().wait(client.scope());
}

capnp::Response<schema::Session::IncidentsResults> incidents(RpcClient& client, Session session,
                                                             bool open = false) {
  auto request = session.incidentsRequest();
  request.setOpenOnly(open);
  return request.send().wait(client.scope());
}

void see(RpcClient& client, Session session, uint64_t first, uint64_t count,
         const std::string& group = "g", uint64_t project = 7) {
  auto ingest = session.ingestRequest().send().wait(client.scope()).getIngest();
  std::string lines;
  for (uint64_t n = first; n < first + count; ++n) lines += occurrence_line(n, group, project);
  auto request = ingest.submitRequest();
  request.setLines(bytes_of(lines));
  auto answer = request.send().wait(client.scope());
  REQUIRE(answer.getRefused().size() == 0);
}

// Rules 1 (with an incident that stays open, as nothing comes), 2 and 3. Made while nobody serves
// the store, as a server goes by the time it is.
void fill(ServerProcess& server) {
  server.stop(SIGTERM);
  const std::string file = server.store() + ".rules";
  std::ofstream(file) << "[" << kQuiet << "," << kNewOfSeven << "," << kNew << "]";
  (void)output_of("alert " + server.store() + " add " + file + " --now 2020-09-13T12:00:00Z");
  (void)output_of("alert " + server.store() + " tick --now 2020-09-13T12:30:00Z");
  server.start();
}

void wait_until_active(RpcClient& client, Session session) {
  const auto waits = [&] {
    auto answer = rules(client, session);
    for (const auto rule : answer.getRules()) {
      if (rule.getStatus() != "active") return true;
    }
    return false;
  };
  while (waits()) REQUIRE(client.again());
}

struct Told {
  std::vector<std::string> keys;
  std::vector<std::pair<uint64_t, uint32_t>> places;
  std::vector<std::string> whats;
  std::string end;  // the error's code
};

class Collect final : public schema::AlertListener::Server {
 public:
  // Breaks with the n-th notification, after it was seen.
  explicit Collect(Told& told, size_t breaks_at = SIZE_MAX) : told_(told), breaks_at_(breaks_at) {}

  kj::Promise<void> notify(NotifyContext context) override {
    const auto params = context.getParams();
    if (params.hasError()) told_.end = code_of(params);
    for (const auto one : params.getNotifications()) {
      told_.keys.emplace_back(one.getKey().cStr());
      told_.places.emplace_back(one.getLsn(), one.getOrdinal());
      told_.whats.push_back(
          one.isFiring()
              ? std::string(one.getRuleName().cStr()) + " " + one.getFiring().getEvent().cStr() +
                    " " + std::to_string(one.getFiring().getNumber())
              : std::string(one.getRuleName().cStr()) + " " +
                    std::to_string(static_cast<int>(one.getTransition().getFrom())) + ">" +
                    std::to_string(static_cast<int>(one.getTransition().getTo())));
      KJ_REQUIRE(told_.keys.size() < breaks_at_, "enough");
    }
    return kj::READY_NOW;
  }

 private:
  Told& told_;
  const size_t breaks_at_;
};

capnp::Response<schema::Session::SubscribeAlertsResults> subscribe(
    RpcClient& client, Session session, Told& told, std::pair<uint64_t, uint32_t> after = {},
    size_t breaks_at = SIZE_MAX) {
  auto request = session.subscribeAlertsRequest();
  request.setListener(kj::heap<Collect>(told, breaks_at));
  request.setAfterLsn(after.first);
  request.setAfterOrdinal(after.second);
  return request.send().wait(client.scope());
}

}  // namespace

TEST_CASE("rules are added, listed, changed, paused and removed") {
  ServerProcess server;
  RpcClient client("unix:" + server.socket());
  auto session = client.session();
  auto added = add(client, session, {kNew, "{", kMany, R"({"name":"bad","query":"level:("})"});
  REQUIRE(code_of(added).empty());
  REQUIRE(added.getAdded().size() == 4);
  CHECK(added.getAdded()[0].getNumber() == 1);
  CHECK(added.getAdded()[1].getError().getCode() == schema::ErrorCode::INVALID_ARGUMENT);
  CHECK(added.getAdded()[2].getNumber() == 2);
  CHECK(added.getAdded()[3].hasError());
  CHECK(code_of(add(client, session, {})) == "invalid_argument");
  wait_until_active(client, session);
  auto listed = rules(client, session);
  REQUIRE(listed.getRules().size() == 2);
  CHECK(listed.getTotal() == 2);
  const auto many = listed.getRules()[1];
  CHECK(many.getName() == "Many");
  CHECK(std::string(many.getUnderstood().cStr()).find("count() of everything") == 0);
  CHECK(many.getChangedBy() == "local");
  CHECK(many.getTrouble() == "");
  // What it tells is a rule again.
  auto again = add(client, session, {many.getText().cStr()}, "k");
  CHECK(again.getAdded()[0].getNumber() == 3);
  CHECK(add(client, session, {many.getText().cStr()}, "k").getAdded()[0].getOutcome() ==
        schema::Outcome::DUPLICATE);
  auto change = session.changeRuleRequest();
  change.setRule(3);
  change.setTo(R"({"name":"Few","time_window":5,
                   "triggers":[{"label":"critical","alert_threshold":3}]})");
  CHECK(change.send().wait(client.scope()).getDone().getOutcome() == schema::Outcome::STORED);
  change = session.changeRuleRequest();
  change.setRule(3);
  change.setTo("[]");
  CHECK(code_of(change.send().wait(client.scope())) == "invalid_argument");
  const auto pause = [&](uint32_t rule, bool paused) {
    auto request = session.setPausedRequest();
    request.setRule(rule);
    request.setPaused(paused);
    return request.send().wait(client.scope());
  };
  CHECK(pause(3, true).getDone().getOutcome() == schema::Outcome::STORED);
  CHECK(pause(3, true).getDone().getOutcome() == schema::Outcome::NO_CHANGE);
  CHECK(rules(client, session).getRules()[2].getStatus() == "disabled");
  CHECK(code_of(pause(9, true)) == "not_found");
  auto remove = session.removeRuleRequest();
  remove.setRule(3);
  CHECK(code_of(remove.send().wait(client.scope())).empty());
  CHECK(rules(client, session).getTotal() == 2);
  auto page = session.rulesRequest();
  page.setAfter(1);
  page.setLimit(1);
  auto second = page.send().wait(client.scope());
  REQUIRE(second.getRules().size() == 1);
  CHECK(second.getRules()[0].getNumber() == 2);
  page = session.rulesRequest();
  page.setLimit(10'001);
  CHECK(code_of(page.send().wait(client.scope())) == "invalid_argument");
}

TEST_CASE("incidents are told, acknowledged, commented on and closed") {
  ServerProcess server;
  fill(server);
  RpcClient client("unix:" + server.socket());
  auto session = client.session();
  auto open = incidents(client, session, true);
  REQUIRE(open.getIncidents().size() == 1);
  const auto incident = open.getIncidents()[0];
  CHECK(incident.getSeverity() == schema::Severity::CRITICAL);
  CHECK(incident.getRuleName() == "Quiet");
  REQUIRE(incident.getSteps().size() == 1);
  CHECK(incident.getSteps()[0].getHasValue());
  CHECK(incident.getSteps()[0].getValue() == 0);
  CHECK(incident.getEndedUs() == 0);
  CHECK(rules(client, session).getRules()[0].getOpenIncidents() == 1);
  auto acknowledge = session.acknowledgeRequest();
  acknowledge.setIncident(1);
  acknowledge.setActor("ada");
  CHECK(acknowledge.send().wait(client.scope()).getDone().getOutcome() == schema::Outcome::STORED);
  auto comment = session.commentRequest();
  comment.setIncident(1);
  comment.setText("looking");
  CHECK(code_of(comment.send().wait(client.scope())).empty());
  auto close = session.closeRequest();
  close.setIncident(1);
  close.setActor("eve");
  CHECK(code_of(close.send().wait(client.scope())).empty());
  auto all = incidents(client, session);
  REQUIRE(all.getIncidents().size() == 1);
  const auto closed = all.getIncidents()[0];
  CHECK(closed.getAcknowledgedBy() == "ada");
  REQUIRE(closed.getComments().size() == 1);
  CHECK(closed.getComments()[0].getWho() == "local");
  CHECK(closed.getMethod() == "manual");
  REQUIRE(closed.getSteps().size() == 2);
  CHECK(closed.getSteps()[1].getWho() == "eve");
  CHECK(incidents(client, session, true).getTotal() == 0);
  acknowledge = session.acknowledgeRequest();
  acknowledge.setIncident(1);
  CHECK(code_of(acknowledge.send().wait(client.scope())) == "conflict");
  close = session.closeRequest();
  close.setIncident(7);
  CHECK(code_of(close.send().wait(client.scope())) == "not_found");
}

TEST_CASE("what alerts have to say is pushed, and told again from any place on") {
  ServerProcess server;
  fill(server);
  Told first, broken, rest, later;
  {
    RpcClient client("unix:" + server.socket());
    auto session = client.session();
    auto subscription = subscribe(client, session, first);
    see(client, session, 100, 20, "a");
    see(client, session, 200, 1, "b");
    while (first.keys.size() < 5) REQUIRE(client.again());
    const std::vector<std::string> expected = {"Quiet 0>2", "Seven first_seen 1",
                                               "New first_seen 1", "Seven first_seen 2",
                                               "New first_seen 2"};
    CHECK(first.whats == expected);
    CHECK(std::is_sorted(first.places.begin(), first.places.end()));
    CHECK(std::set<std::string>(first.keys.begin(), first.keys.end()).size() == 5);
    // The place moves once the listener has answered.
    const auto place = [&] {
      auto answer = subscription.getSubscription().placeRequest().send().wait(client.scope());
      return std::pair<uint64_t, uint32_t>{answer.getLsn(), answer.getOrdinal()};
    };
    while (place() != first.places.back()) REQUIRE(client.again());
    // What a listener that breaks has not dealt with is told to another one, with the same keys.
    auto breaking = subscribe(client, session, broken, {}, 2);
    while (broken.keys.size() < 2) REQUIRE(client.again());
    auto going_on = subscribe(client, session, rest, broken.places.front());
    while (rest.keys.size() < 4) REQUIRE(client.again());
    CHECK(rest.keys == std::vector<std::string>(first.keys.begin() + 1, first.keys.end()));
    CHECK(broken.keys.size() == 2);
  }
  server.stop(SIGTERM);
  server.start();
  RpcClient client("unix:" + server.socket());
  auto subscription = subscribe(client, client.session(), later);
  while (later.keys.size() < 5) REQUIRE(client.again());
  CHECK(later.keys == first.keys);
}

namespace {

// A method, and the scopes that allow it; admin always does.
struct Row {
  std::string name;
  std::function<std::string(RpcClient&, Session&)> method;
  std::set<std::string> allowed;
};

template <class Request>
std::string done(RpcClient& client, Request request, uint32_t incident) {
  request.setIncident(incident);
  return code_of(request.send().wait(client.scope()));
}

// Incident 1 is there for them, and rules 1 and 2.
std::vector<Row> rows() {
  using S = Session;
  return {
      {"rules", [](RpcClient& c, S& s) { return code_of(rules(c, s)); }, {"read"}},
      {"incidents", [](RpcClient& c, S& s) { return code_of(incidents(c, s)); }, {"read"}},
      {"subscribeAlerts",
       [](RpcClient& c, S& s) {
         Told told;
         return code_of(subscribe(c, s, told, {UINT64_MAX, 0}));
       },
       {"read"}},
      {"acknowledge",
       [](RpcClient& c, S& s) { return done(c, s.acknowledgeRequest(), 1); },
       {"triage"}},
      {"comment",
       [](RpcClient& c, S& s) {
         auto request = s.commentRequest();
         request.setText("text");
         return done(c, kj::mv(request), 1);
       },
       {"triage"}},
      {"addRules", [](RpcClient& c, S& s) { return code_of(add(c, s, {kNew})); }, {}},
      {"changeRule",
       [](RpcClient& c, S& s) {
         auto request = s.changeRuleRequest();
         request.setRule(2);
         request.setTo(kNewOfSeven);
         return code_of(request.send().wait(c.scope()));
       },
       {}},
      {"setPaused",
       [](RpcClient& c, S& s) {
         auto request = s.setPausedRequest();
         request.setRule(2);
         request.setPaused(true);
         return code_of(request.send().wait(c.scope()));
       },
       {}},
      {"close", [](RpcClient& c, S& s) { return done(c, s.closeRequest(), 1); }, {"triage"}},
      {"removeRule",
       [](RpcClient& c, S& s) {
         auto request = s.removeRuleRequest();
         request.setRule(2);
         return code_of(request.send().wait(c.scope()));
       },
       {}},
  };
}

}  // namespace

TEST_CASE("every method of alerts with every scope") {
  for (const std::string scope : {"read", "triage", "ingest", "admin"}) {
    ServerProcess server;
    fill(server);
    const std::string token = server.token(scope, "--scope " + scope);
    RpcClient client("127.0.0.1:" + std::to_string(server.port()));
    auto session = client.session(token);
    for (const Row& row : rows()) {
      INFO(scope << ": " << row.name);
      const bool allowed = scope == "admin" || row.allowed.contains(scope);
      CHECK(row.method(client, session) == (allowed ? "" : "denied"));
    }
  }
}

TEST_CASE("alerts of other projects are not there for who is limited") {
  ServerProcess server;
  fill(server);
  Told told;
  RpcClient client("unix:" + server.socket());
  auto local = client.session();
  const auto limited = [&](uint64_t project) {
    const std::string name = "p" + std::to_string(project);
    return server.token(name, "--scope admin --project " + std::to_string(project));
  };
  const std::string seven = limited(7);
  const std::string eight = limited(8);
  {
    auto session = client.session(seven);
    auto seen = rules(client, session);
    CHECK(seen.getTotal() == 2);  // the one of all projects is not theirs
    CHECK(incidents(client, session).getTotal() == 1);
    auto subscription = subscribe(client, session, told);
    while (told.keys.empty()) REQUIRE(client.again());
    CHECK(told.whats == std::vector<std::string>{"Quiet 0>2"});
    auto change = session.changeRuleRequest();
    change.setRule(2);
    change.setTo(kNew);
    CHECK(code_of(change.send().wait(client.scope())) == "denied");
    auto remove = session.removeRuleRequest();
    remove.setRule(3);
    CHECK(code_of(remove.send().wait(client.scope())) == "not_found");
    auto added = add(client, session, {kNew, kNewOfSeven});
    CHECK(added.getAdded()[0].getError().getCode() == schema::ErrorCode::DENIED);
    CHECK(added.getAdded()[1].getNumber() == 4);
  }
  auto session = client.session(eight);
  CHECK(rules(client, session).getTotal() == 0);
  CHECK(incidents(client, session).getTotal() == 0);
  for (const Row& row : rows()) {
    INFO(row.name);
    const bool about_one = row.name != "rules" && row.name != "incidents" &&
                           row.name != "subscribeAlerts" && row.name != "addRules";
    if (about_one) CHECK(row.method(client, session) == "not_found");
  }
  CHECK(rules(client, local).getTotal() == 4);
  CHECK(incidents(client, local, true).getTotal() == 1);
}
