// A server makes digests by itself, over restarts and kills.
#include <chrono>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <thread>

#include "alert/alert_command.h"
#include "engine/store.h"
#include "server/rpc_client.h"

using namespace cairn;
using namespace cairn::testing;

namespace {

void add_rule_about_new_issues(const std::string& directory) {
  auto store = engine::Store::open(directory, {});
  if (!store.ok()) FAIL(store.error().message);
  alert::Rule rule;
  rule.name = "New issues";
  rule.condition = alert::IssueCondition{alert::IssueEvent::FirstSeen, 0, 0, 30};
  const std::vector<alert::AlertCommand> commands = {alert::AddRule{rule}};
  const auto added = (*store)->execute(commands, {});
  if (!added.ok()) FAIL(added.error().message);
  REQUIRE(added->items.front().outcome == engine::Outcome::Stored);
  REQUIRE((*store)->fill_alerts().ok());
  REQUIRE((*store)->close().ok());
}

void ingest(const ServerProcess& server, uint64_t number, const std::string& fingerprint) {
  RpcClient client("unix:" + server.socket());
  auto session = client.session();
  auto way = session.ingestRequest().send().wait(client.scope()).getIngest();
  const std::string line = occurrence_line(number, fingerprint);
  auto request = way.submitRequest();
  request.setLines(bytes_of(line));
  REQUIRE(request.send().wait(client.scope()).getRefused().size() == 0);
}

std::set<std::string> pages_in(const std::string& directory) {
  std::set<std::string> names;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
    if (entry.path().extension() == ".html") names.insert(entry.path().string());
  }
  return names;
}

// Waits, for a minute at most, until there are so many pages.
std::set<std::string> wait_for_pages(const std::string& directory, size_t count) {
  std::set<std::string> names;
  for (int i = 0; i < 1200 && names.size() < count; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    names = pages_in(directory);
  }
  REQUIRE(names.size() == count);
  return names;
}

std::string text_of(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

}  // namespace

TEST_CASE("a server puts digests of alerts into a directory") {
  const TempDir out;
  const std::string directory = out / "digests";
  ServerProcess server("[[digest]]\nname = \"ops\"\ndirectory = \"" + directory +
                       "\"\nminimum_delay_s = 1\nincrement_delay_s = 0\nmaximum_delay_s = 1\n");
  REQUIRE(server.stop(SIGTERM) == 0);
  add_rule_about_new_issues(server.store());
  server.start();
  ingest(server, 1, "first");
  const auto first = wait_for_pages(directory, 1);
  CHECK(std::filesystem::path(*first.begin()).filename().string().starts_with("ops-20"));
  CHECK(text_of(*first.begin()).find("New issues") != std::string::npos);
  CHECK(text_of(*first.begin()).find("P7-1") != std::string::npos);

  // Killed, and an alert that comes when it is there again.
  server.stop(SIGKILL);
  server.start();
  ingest(server, 2, "second");
  auto second = wait_for_pages(directory, 2);
  for (const std::string& name : first) second.erase(name);
  CHECK(text_of(*second.begin()).find("P7-2") != std::string::npos);
  CHECK(text_of(*second.begin()).find("P7-1<") == std::string::npos);
  CHECK(server.stop(SIGTERM) == 0);
}
