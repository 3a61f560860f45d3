#include "server/store_notifications.h"

#include <map>

#include "alert/alert_state.h"
#include "model/short_id.h"

namespace cairn::server {

Result<NotificationSource::Page> StoreNotifications::after(const alert::NotificationPlace& place,
                                                           size_t limit) {
  CAIRN_TRY_ASSIGN(const auto snapshot, store_.snapshot());
  const alert::AlertState& alerts = snapshot->alerts();
  Page page;
  std::map<uint32_t, std::shared_ptr<const alert::Rule>> rules;
  for (alert::Notification& one : alerts.notifications_after(place, limit)) {
    const auto [rule, fresh] = rules.try_emplace(one.rule);
    if (const alert::RuleEntry* entry = fresh ? alerts.rule(one.rule) : nullptr) {
      rule->second = std::make_shared<const alert::Rule>(entry->rule);
    }
    std::string short_id;
    if (one.kind == alert::Notification::Kind::Firing) {
      const model::Project* project = snapshot->state().project(one.project);
      if (project != nullptr) short_id = model::format_short_id(project->slug, one.number);
    }
    page.found.push_back({std::move(one), rule->second, std::move(short_id)});
  }
  page.more = page.found.size() >= limit;
  page.up_to = page.more ? page.found.back().notification.place()
                         : alert::NotificationPlace{snapshot->lsn(), alert::kLastOrdinal};
  return page;
}

Result<Lsn> StoreNotifications::last() {
  CAIRN_TRY_ASSIGN(const auto snapshot, store_.snapshot());
  return snapshot->lsn();
}

}  // namespace cairn::server
