// Where notifications of alerts go: the [[destination]] tables of a server's settings.
// docs/operations.md, "Alerts", lists them. Values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "alert/delivery_queue.h"
#include "alert/notification_json.h"
#include "base/ids.h"
#include "base/result.h"

namespace cairn::server {

inline constexpr size_t kMaxDestinations = 64;
inline constexpr size_t kMaxDestinationName = 64;

struct Destination {
  enum class Kind : uint8_t { Webhook, File, Stdout };

  std::string name;  // letters, digits, - _ . : names its files
  Kind kind = Kind::Webhook;
  alert::NotificationFormat format = alert::NotificationFormat::Notification;
  std::string url;     // webhook
  std::string secret;  // webhook: what its messages are signed with; "" = not signed
  std::string tls_ca;  // webhook: a file of certificates (PEM) to trust beside the system's
  std::string path;    // file
  uint32_t connect_ms = 5'000;
  uint32_t timeout_ms = 10'000;  // from connecting to the end of the answer
  alert::DeliveryPolicy policy;

  // Of which notifications; empty = all.
  alert::Severity least = alert::Severity::Warning;
  std::vector<uint32_t> rules;
  std::vector<std::string> rule_names;
  std::vector<ProjectId> projects;

  bool wants(const alert::Described& described) const;
};

std::string_view kind_name(Destination::Kind kind);  // webhook, file, stdout

// Reads secrets from where they are. Errors: InvalidArgument, with file and line.
class ConfigReader;
Result<Destination> read_destination(ConfigReader& reader);
// Those of a file together: their names differ, one alone writes to stdout, and no two to a file.
Result<void> check_destinations(const std::vector<Destination>& destinations);

}  // namespace cairn::server
