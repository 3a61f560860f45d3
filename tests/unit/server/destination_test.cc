#include "server/destination.h"

#include <catch2/catch.hpp>
#include <fstream>

#include "server/config.h"
#include "support/must.h"
#include "support/temp_dir.h"

using namespace cairn;
using namespace cairn::server;
using alert::Severity;
using cairn::testing::must;
using cairn::testing::TempDir;

namespace {

Result<std::vector<Destination>> read(const std::string& text) {
  const TempDir dir;
  const std::string path = dir / "cairn.toml";
  std::ofstream(path) << text;
  Config config;
  CAIRN_TRY(read_config(path, config));
  CAIRN_TRY(check_destinations(config.destinations));
  return config.destinations;
}

const std::string kHook = "[[destination]]\nname = \"a\"\nkind = \"webhook\"\n";
const std::string kUrl = "url = \"https://example.com/x?y=1\"\n";

alert::Described about(Severity from, Severity to, std::vector<ProjectId> projects) {
  alert::Described one;
  one.notification.rule = 4;
  one.notification.rule_name = "Checkout";
  one.notification.from = from;
  one.notification.to = to;
  auto rule = std::make_shared<alert::Rule>();
  rule->projects = std::move(projects);
  one.rule = std::move(rule);
  return one;
}

}  // namespace

TEST_CASE("destinations are read from the settings") {
  const auto found = must(read(R"(
workers = 3
[[destination]]
name = "ops.1"
kind = "webhook"
url = "http://127.0.0.1:9/hook"
secret = "s"
tls_ca = "/ca"
connect_ms = 7
timeout_ms = 8
parallel = 9
retry_first_ms = 10
retry_most_ms = 11
retry_after_most_s = 12
give_up_s = 13
max_attempts = 14
max_age_s = 15
window = 16
min_severity = "critical"
rules = [4, "Checkout"]
projects = [7, 8]
format = "result-v3"

[[destination]]
name = "log"
kind = "file"
path = "/alerts"
[[destination]]
name = "out"
kind = "stdout"
)"));
  REQUIRE(found.size() == 3);
  const Destination& hook = found[0];
  CHECK(hook.name == "ops.1");
  CHECK(hook.kind == Destination::Kind::Webhook);
  CHECK(hook.format == alert::NotificationFormat::ResultV3);
  CHECK(hook.url == "http://127.0.0.1:9/hook");
  CHECK(hook.secret == "s");
  CHECK(hook.tls_ca == "/ca");
  CHECK(hook.connect_ms == 7);
  CHECK(hook.timeout_ms == 8);
  CHECK(hook.policy.parallel == 9);
  CHECK(hook.policy.first_wait_us == 10'000);
  CHECK(hook.policy.most_wait_us == 11'000);
  CHECK(hook.policy.most_told_us == 12'000'000);
  CHECK(hook.policy.give_up_us == 13'000'000);
  CHECK(hook.policy.attempts == 14);
  CHECK(hook.policy.most_age_us == 15'000'000);
  CHECK(hook.policy.window == 16);
  CHECK(hook.least == Severity::Critical);
  CHECK(hook.rules == std::vector<uint32_t>{4});
  CHECK(hook.rule_names == std::vector<std::string>{"Checkout"});
  CHECK(hook.projects == std::vector{ProjectId{7}, ProjectId{8}});
  CHECK(found[1].kind == Destination::Kind::File);
  CHECK(found[1].path == "/alerts");
  CHECK(found[1].least == Severity::Warning);
  CHECK(found[1].policy.give_up_us == 86'400 * kMicrosPerSecond);
  CHECK(found[2].kind == Destination::Kind::Stdout);
}

TEST_CASE("a secret may stand in a file of its own") {
  const TempDir dir;
  std::ofstream(dir / "secret") << "from a file\n";
  const std::string file = "secret_file = \"" + (dir / "secret") + "\"\n";
  CHECK(must(read(kHook + kUrl + file)).front().secret == "from a file");
  CHECK_FALSE(read(kHook + kUrl + file + "secret = \"s\"\n").ok());
  std::ofstream(dir / "secret") << "\n";
  CHECK_FALSE(read(kHook + kUrl + file).ok());
  CHECK_FALSE(read(kHook + kUrl + "secret_file = \"" + (dir / "none") + "\"\n").ok());
}

TEST_CASE("what a destination cannot be is refused with its line") {
  for (const std::string& text : {
           std::string("[[destination]]\nkind = \"stdout\"\n"),
           std::string("[[destination]]\nname = \"a\"\n"),
           std::string("[destination]\nname = \"a\"\n"),
           std::string("destination = [7]\n"),
           std::string("[[destination]]\nname = \"../a\"\nkind = \"stdout\"\n"),
           std::string("[[destination]]\nname = \".a\"\nkind = \"stdout\"\n"),
           "[[destination]]\nname = \"" + std::string(65, 'a') + "\"\nkind = \"stdout\"\n",
           std::string("[[destination]]\nname = \"a\"\nkind = \"mail\"\n"),
           std::string("[[destination]]\nname = \"a\"\nkind = \"file\"\n"),
           std::string("[[destination]]\nname = \"a\"\nkind = \"stdout\"\nurl = \"http://a/\"\n"),
           kHook,
           kHook + "url = \"ftp://example.com/\"\n",
           kHook + "url = \"example.com\"\n",
           kHook + "url = \"https://user:password@example.com/\"\n",
           kHook + "url = \"https://example.com/a b\"\n",
           kHook + "url = \"https://example.com/a\\r\\nX-Other: b\"\n",
           kHook + kUrl + "secret = 7\n",
           kHook + kUrl + "path = \"/a\"\n",
           kHook + kUrl + "parallel = 0\n",
           kHook + kUrl + "parallel = 65\n",
           kHook + kUrl + "timeout_ms = 0\n",
           kHook + kUrl + "retry_first_ms = \"5s\"\n",
           kHook + kUrl + "give_up_s = 99999999999\n",
           kHook + kUrl + "max_attempts = 0\n",
           kHook + kUrl + "window = 0\n",
           kHook + kUrl + "format = \"xml\"\n",
           kHook + kUrl + "min_severity = \"ok\"\n",
           kHook + kUrl + "rules = []\n",
           kHook + kUrl + "rules = [0]\n",
           kHook + kUrl + "rules = [\"\"]\n",
           kHook + kUrl + "rules = 4\n",
           kHook + kUrl + "projects = []\n",
           kHook + kUrl + "projects = [\"shop\"]\n",
           kHook + kUrl + "colour = \"red\"\n",
       }) {
    INFO(text);
    const auto found = read(text);
    REQUIRE_FALSE(found.ok());
    CHECK(found.error().code == ErrorCode::InvalidArgument);
    CHECK(found.error().message.find("line ") != std::string::npos);
    CHECK(found.error().message.find("password") == found.error().message.rfind("password"));
    CHECK(found.error().message.find("user:password") == std::string::npos);
  }
}

TEST_CASE("destinations differ in name and place") {
  const std::string out = "[[destination]]\nkind = \"stdout\"\nname = ";
  const std::string file = "[[destination]]\nkind = \"file\"\npath = \"/x\"\nname = ";
  CHECK(read(out + "\"a\"\n" + file + "\"b\"\n").ok());
  CHECK_FALSE(read(out + "\"a\"\n" + out + "\"b\"\n").ok());
  CHECK_FALSE(read(file + "\"a\"\n" + file + "\"b\"\n").ok());
  CHECK_FALSE(read(out + "\"a\"\n" + file + "\"a\"\n").ok());
  std::string many;
  for (int i = 0; i < 65; ++i) many += kHook + kUrl;
  for (size_t at = 0, i = 0; (at = many.find("\"a\"", at)) != std::string::npos; ++i) {
    many.replace(at, 3, "\"n" + std::to_string(i) + "\"");
  }
  CHECK_FALSE(read(many).ok());
}

TEST_CASE("who wants what") {
  constexpr auto kOk = Severity::Ok, kWarning = Severity::Warning, kCritical = Severity::Critical;
  Destination all;
  CHECK(all.wants(about(kOk, kWarning, {})));
  Destination critical;
  critical.least = kCritical;
  CHECK_FALSE(critical.wants(about(kOk, kWarning, {})));
  CHECK_FALSE(critical.wants(about(kWarning, kOk, {})));
  CHECK(critical.wants(about(kWarning, kCritical, {})));
  CHECK(critical.wants(about(kCritical, kWarning, {})));
  CHECK(critical.wants(about(kCritical, kOk, {})));
  Destination rules;
  rules.rules = {5};
  CHECK_FALSE(rules.wants(about(kOk, kCritical, {})));
  rules.rules = {5, 4};
  CHECK(rules.wants(about(kOk, kCritical, {})));
  rules.rules.clear();
  rules.rule_names = {"Checkout"};
  CHECK(rules.wants(about(kOk, kCritical, {})));
  rules.rule_names = {"Check"};
  CHECK_FALSE(rules.wants(about(kOk, kCritical, {})));

  Destination some;
  some.projects = {ProjectId{7}, ProjectId{8}};
  CHECK(some.wants(about(kOk, kCritical, {ProjectId{7}})));
  CHECK_FALSE(some.wants(about(kOk, kCritical, {ProjectId{7}, ProjectId{9}})));
  CHECK_FALSE(some.wants(about(kOk, kCritical, {})));
  alert::Described gone = about(kOk, kCritical, {});
  gone.rule = nullptr;
  CHECK_FALSE(some.wants(gone));
  CHECK(all.wants(gone));
  // Of an issue its own project counts, and no severity.
  alert::Described firing = about(kOk, kOk, {});
  firing.notification.kind = alert::Notification::Kind::Firing;
  firing.notification.project = ProjectId{8};
  CHECK(some.wants(firing));
  CHECK(critical.wants(firing));
  firing.notification.project = ProjectId{9};
  CHECK_FALSE(some.wants(firing));
}
