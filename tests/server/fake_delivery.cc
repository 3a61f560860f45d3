// Delivery without a store: notifications are lines of a file that a test writes, destinations are
// those of a real file of settings. Runs until SIGTERM.
//
// Usage: fake_delivery DIRECTORY SETTINGS NOTIFICATIONS
// A line: LSN ORDINAL INCIDENT STEP FROM TO AT, severities and seconds since 1970 as numbers;
// incident 0 is a firing, of the issue with the number STEP.
#include <fmt/format.h>
#include <kj/async-io.h>
#include <signal.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "server/bridge.h"
#include "server/config.h"
#include "server/delivery.h"
#include "server/log.h"

using namespace cairn;
using namespace cairn::server;

namespace {

class FileSource final : public NotificationSource {
 public:
  explicit FileSource(std::string path) : path_(std::move(path)) {}

  Result<Page> after(const alert::NotificationPlace& place, size_t limit) override {
    Page page;
    page.up_to = place;
    for (alert::Described& one : all()) {
      const alert::NotificationPlace at = one.notification.place();
      if (at <= place) continue;
      if (page.found.size() == limit) {
        page.more = true;
        return page;
      }
      page.up_to = at;
      page.found.push_back(std::move(one));
    }
    return page;
  }

  Result<Lsn> last() override {
    const auto found = all();
    return found.empty() ? Lsn{} : found.back().notification.lsn;
  }

 private:
  std::vector<alert::Described> all() const {
    std::ifstream in(path_, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    std::string whole = text.str();
    whole.resize(whole.rfind('\n') == std::string::npos ? 0 : whole.rfind('\n') + 1);
    std::istringstream lines(whole);
    std::vector<alert::Described> out;
    uint64_t lsn = 0, ordinal = 0, incident = 0, step = 0, from = 0, to = 0;
    int64_t at = 0;
    while (lines >> lsn >> ordinal >> incident >> step >> from >> to >> at) {
      alert::Notification one;
      one.kind =
          incident == 0 ? alert::Notification::Kind::Firing : alert::Notification::Kind::Transition;
      one.lsn = Lsn{lsn};
      one.ordinal = static_cast<uint32_t>(ordinal);
      one.at = TimeUs{at * kMicrosPerSecond};
      one.rule = 1;
      one.rule_name = "Rule";
      one.incident = static_cast<uint32_t>(incident);
      one.step = static_cast<uint32_t>(step);
      one.from = static_cast<alert::Severity>(from);
      one.to = static_cast<alert::Severity>(to);
      one.project = ProjectId{7};
      one.number = static_cast<uint32_t>(step);
      out.push_back({std::move(one), nullptr, ""});
    }
    return out;
  }

  const std::string path_;
};

kj::Promise<void> until_idle(kj::Timer& timer, const Delivery& delivery, int tries) {
  if (delivery.idle() || tries == 0) return kj::READY_NOW;
  return timer.afterDelay(10 * kj::MILLISECONDS).then([&timer, &delivery, tries] {
    return until_idle(timer, delivery, tries - 1);
  });
}

Result<void> run(const std::string& directory, const std::string& settings,
                 const std::string& notifications) {
  Config config;
  CAIRN_TRY(read_config(settings, config));
  CAIRN_TRY(check_destinations(config.destinations));
  kj::UnixEventPort::captureSignal(SIGTERM);
  Log log(STDERR_FILENO);
  SystemClock clock;
  FileSource source(notifications);
  const auto files = make_posix_file_system();
  auto io = kj::setupAsyncIo();
  Bridge bridge(io.unixEventPort);
  auto bridging = bridge.run().eagerlyEvaluate(nullptr);
  kj::Timer& timer = io.provider->getTimer();
  CAIRN_TRY_ASSIGN(
      const auto delivery,
      Delivery::open({bridge, io.provider->getNetwork(), timer, clock, log, *files, source,
                      directory, *parse_uuid("5f0c1d2e-0000-4000-8000-0123456789ab")},
                     config.destinations));
  delivery->start();
  log.info("ready");
  io.unixEventPort.onSignal(SIGTERM).wait(io.waitScope);
  delivery->finish();
  until_idle(timer, *delivery, 500).wait(io.waitScope);
  for (const auto& one : *delivery->counts()) {
    log.info("counts", {{"name", one->name},
                        {"sent", one->sent.load()},
                        {"retried", one->retried.load()},
                        {"dead", one->dead.load()},
                        {"old", one->old.load()},
                        {"unwanted", one->unwanted.load()},
                        {"waiting", one->waiting.load()}});
  }
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  const auto done = run(argv[1], argv[2], argv[3]);
  if (!done) fmt::print(stderr, "{{\"event\":\"failed\",\"why\":\"{}\"}}\n", done.error().message);
  return done ? 0 : 1;
}
