#include "server/subscription.h"

#include <algorithm>
#include <unordered_map>
#include <vector>

namespace cairn::server {
namespace {

constexpr auto kBetweenLooks = 500 * kj::MILLISECONDS;

struct Difference {
  std::vector<const IssueValue*> entered;
  std::vector<const IssueValue*> changed;
  std::vector<std::string> left;
  bool any() const { return !entered.empty() || !changed.empty() || !left.empty(); }
};

// Points into `now`.
Difference difference(const std::vector<IssueValue>& before, const std::vector<IssueValue>& now) {
  std::unordered_map<uint32_t, const IssueValue*> old;
  for (const IssueValue& issue : before) old.emplace(issue.id, &issue);
  Difference out;
  for (const IssueValue& issue : now) {
    const auto found = old.find(issue.id);
    if (found == old.end()) {
      out.entered.push_back(&issue);
      continue;
    }
    if (!(*found->second == issue)) out.changed.push_back(&issue);
    old.erase(found);
  }
  for (const IssueValue& issue : before) {
    if (old.contains(issue.id)) out.left.push_back(issue.short_id);
  }
  return out;
}

template <class Init>
void write_issues(const std::vector<const IssueValue*>& issues, Init&& init) {
  if (issues.empty()) return;
  auto list = init(static_cast<kj::uint>(issues.size()));
  for (kj::uint i = 0; i < issues.size(); ++i) write_issue(list[i], *issues[i]);
}

class SubscriptionImpl final : public schema::Subscription::Server {
 public:
  SubscriptionImpl(Host& host, std::shared_ptr<Caller> caller, Question question, PageValue first,
                   schema::Listener::Client listener)
      : host_(host),
        caller_(std::move(caller)),
        question_(std::move(question)),
        shown_(std::move(first)),
        listener_(kj::mv(listener)),
        held_(caller_),
        watching_(nullptr) {
    ++host_.metrics.subscriptions;
    watching_ = tell(difference({}, shown_.issues))
                    .then([this] { return watch(); })
                    .eagerlyEvaluate([](kj::Exception&&) {});  // the listener is gone: that is all
  }
  ~SubscriptionImpl() noexcept(false) { --host_.metrics.subscriptions; }

  kj::Promise<void> info(InfoContext context) override {
    context.getResults().setLsn(raw(shown_.lsn));
    return kj::READY_NOW;
  }

 private:
  kj::Promise<void> watch() {
    return host_.timer.afterDelay(kBetweenLooks).then([this]() -> kj::Promise<void> {
      if (host_.stopping) return end(make_error(ErrorCode::Closed, "the server is stopping"));
      if (auto valid = host_.gate.check(caller_->grant()); !valid) return end(valid.error());
      Question question = question_;
      question.options.now = SystemClock().now();
      return host_.workers
          .run<Answer<PageValue>>([host = &host_, question](const auto& cancelled) {
            return answer_page(*host, question, cancelled);
          })
          .then([this](Answer<PageValue> answer) -> kj::Promise<void> {
            if (auto* refusal = std::get_if<Refusal>(&answer)) return end(*refusal);
            PageValue before = std::move(shown_);
            shown_ = std::move(std::get<PageValue>(answer));
            const Difference found = difference(before.issues, shown_.issues);
            if (!found.any() && before.total == shown_.total) return watch();
            return tell(found).then([this] { return watch(); });
          });
    });
  }

  kj::Promise<void> tell(const Difference& found) {
    auto request = listener_.changedRequest();
    auto change = request.initChange();
    change.setLsn(raw(shown_.lsn));
    change.setTotal(shown_.total);
    write_issues(found.entered, [&](kj::uint size) { return change.initEntered(size); });
    write_issues(found.changed, [&](kj::uint size) { return change.initChanged(size); });
    auto left = change.initLeft(static_cast<kj::uint>(found.left.size()));
    for (kj::uint i = 0; i < found.left.size(); ++i) left.set(i, found.left[i].c_str());
    return request.send().ignoreResult();
  }

  kj::Promise<void> end(const Refusal& why) {
    auto request = listener_.changedRequest();
    auto change = request.initChange();
    change.setLsn(raw(shown_.lsn));
    write_error(change.initError(), why);
    return request.send().ignoreResult();
  }

  Host& host_;
  std::shared_ptr<Caller> caller_;
  Question question_;
  PageValue shown_;
  schema::Listener::Client listener_;
  const Caller::Held held_;  // the connection is in use
  kj::Promise<void> watching_;
};

}  // namespace

schema::Subscription::Client make_subscription(Host& host, std::shared_ptr<Caller> caller,
                                               Question question, PageValue first,
                                               schema::Listener::Client listener) {
  return kj::heap<SubscriptionImpl>(host, std::move(caller), std::move(question), std::move(first),
                                    kj::mv(listener));
}

}  // namespace cairn::server
