#include "server/alert_subscription.h"

#include <vector>

#include "base/uuid.h"
#include "server/alert_calls.h"
#include "verbs/alert_seen.h"

namespace cairn::server {
namespace {

constexpr auto kBetweenLooks = 500 * kj::MILLISECONDS;
constexpr size_t kMostAtOnce = 1000;

struct Told {
  std::vector<alert::Notification> notifications;  // that the listener may see
  alert::NotificationPlace place;                  // behind them, and those it may not see
  bool more = false;
};

Answer<Told> look(Host& host, const alert::NotificationPlace& after, const verbs::Rights& rights) {
  const auto snapshot = host.store.snapshot();
  if (!snapshot) return Refusal(snapshot.error());
  const alert::AlertState& alerts = (*snapshot)->alerts();
  const verbs::SeenAlerts seen(alerts, rights);
  auto all = alerts.notifications_after(after, kMostAtOnce);
  Told out;
  out.place = all.empty() ? after : all.back().place();
  out.more = all.size() == kMostAtOnce;
  for (alert::Notification& one : all) {
    const alert::RuleEntry* entry = alerts.rule(one.rule);
    const bool visible = !seen.limited() || (entry != nullptr && seen.sees(*entry));
    if (visible) out.notifications.push_back(std::move(one));
  }
  return out;
}

class AlertSubscriptionImpl final : public schema::AlertSubscription::Server {
 public:
  AlertSubscriptionImpl(Host& host, std::shared_ptr<Caller> caller, const verbs::Rights& rights,
                        const alert::NotificationPlace& after,
                        schema::AlertListener::Client listener)
      : host_(host),
        caller_(std::move(caller)),
        rights_(rights),
        store_(parse_uuid(host.store_id).value_or(Uuid{})),
        place_(after),
        listener_(kj::mv(listener)),
        held_(caller_),
        watching_(nullptr) {
    ++host_.metrics.subscriptions;
    // The listener is gone: that is all.
    watching_ = go_on().eagerlyEvaluate([](kj::Exception&&) {});
  }
  ~AlertSubscriptionImpl() noexcept(false) { --host_.metrics.subscriptions; }

  kj::Promise<void> place(PlaceContext context) override {
    context.getResults().setLsn(raw(place_.lsn));
    context.getResults().setOrdinal(place_.ordinal);
    return kj::READY_NOW;
  }

 private:
  kj::Promise<void> go_on() {
    if (host_.stopping) return end(make_error(ErrorCode::Closed, "the server is stopping"));
    if (auto valid = host_.gate.check(caller_->grant()); !valid) return end(valid.error());
    return host_.workers
        .run<Answer<Told>>([host = &host_, after = place_, rights = rights_](const auto&) {
          return look(*host, after, rights);
        })
        .then([this](Answer<Told> answer) -> kj::Promise<void> {
          if (auto* refusal = std::get_if<Refusal>(&answer)) return end(*refusal);
          const Told& told = std::get<Told>(answer);
          return tell(told).then([this, place = told.place, more = told.more] {
            place_ = place;
            if (more) return go_on();
            return host_.timer.afterDelay(kBetweenLooks).then([this] { return go_on(); });
          });
        });
  }

  kj::Promise<void> tell(const Told& told) {
    if (told.notifications.empty()) return kj::READY_NOW;
    auto request = listener_.notifyRequest();
    auto list = request.initNotifications(static_cast<kj::uint>(told.notifications.size()));
    for (kj::uint i = 0; i < told.notifications.size(); ++i) {
      write_notification(list[i], store_, told.notifications[i]);
    }
    return request.send().ignoreResult();
  }

  kj::Promise<void> end(const Refusal& why) {
    auto request = listener_.notifyRequest();
    write_error(request.initError(), why);
    return request.send().ignoreResult();
  }

  Host& host_;
  std::shared_ptr<Caller> caller_;
  const verbs::Rights rights_;
  const Uuid store_;
  alert::NotificationPlace place_;
  schema::AlertListener::Client listener_;
  const Caller::Held held_;  // the connection is in use
  kj::Promise<void> watching_;
};

}  // namespace

schema::AlertSubscription::Client make_alert_subscription(Host& host,
                                                          std::shared_ptr<Caller> caller,
                                                          const verbs::Rights& rights,
                                                          const alert::NotificationPlace& after,
                                                          schema::AlertListener::Client listener) {
  return kj::heap<AlertSubscriptionImpl>(host, std::move(caller), rights, after, kj::mv(listener));
}

}  // namespace cairn::server
