// Notifications as they are sent: our own JSON (version 1) and the field's message of a
// subscription's result (version 3). docs/alerts.md, "Delivery", has both.
// Values; thread: any.
#pragma once

#include <memory>
#include <string>

#include "alert/notification.h"
#include "alert/rule.h"
#include "base/uuid.h"

namespace cairn::alert {

// A notification with what the store says about it at the time it is read.
struct Described {
  Notification notification;
  std::shared_ptr<const Rule> rule;  // as it is; nullptr: removed
  std::string short_id;              // of a firing's issue; "" = gone
};

enum class NotificationFormat : uint8_t { Notification, ResultV3 };

// What became of an incident, for who is told only of `least` and worse: opened, escalated, eased,
// resolved. Of a firing: fired.
std::string_view action_name(const Notification& notification, Severity least);

// One JSON object on one line. The same for the same store and log, whenever it is made, but for
// what Described says of now.
std::string notification_text(NotificationFormat format, const Uuid& store,
                              const Described& described, Severity least);

// Notifications of one series are told in order: those of an incident, and those of one rule about
// one issue.
std::string series_of(const Notification& notification);

}  // namespace cairn::alert
