import EventLoop
@testable import PromptFunction
import Testing

/// What is known of a host's models.
@Suite struct `Model inventory` {
    static let model = ModelName("llama3.2:1b")
    static let other = ModelName("other")

    static func second(_ second: Int64) -> LoopInstant { LoopInstant(nanoseconds: second * 1_000_000_000) }

    /// One that has answered both listings.
    private func listed(local: [ModelName], running: [ModelName]) -> ModelInventory {
        var inventory = ModelInventory()
        inventory.list(local: local, asked: Self.second(0))
        inventory.list(running: running, asked: Self.second(0))
        return inventory
    }

    @Test func `listings tell what is running, local and absent`() {
        let inventory = listed(local: [Self.model, Self.other], running: [Self.other])
        #expect(inventory.availability(of: Self.other, at: Self.second(1)) == .running)
        #expect(inventory.availability(of: Self.model, at: Self.second(1)) == .local)
        #expect(inventory.availability(of: ModelName("none"), at: Self.second(1)) == .absent)
    }

    @Test func `a listing does not forget a model that is being running`() {
        var inventory = listed(local: [Self.model], running: [])
        inventory.chatSent(Self.model, at: Self.second(10))
        inventory.list(running: [], asked: Self.second(20))
        #expect(inventory.availability(of: Self.model, at: Self.second(609)) == .running)
        #expect(inventory.availability(of: Self.model, at: Self.second(610)) == .local)
        inventory.chatEnded(Self.model, .failed, began: Self.second(0), at: Self.second(611))
        #expect(inventory.availability(of: Self.model, at: Self.second(611)) == .local)
    }

    @Test func `a model whose only chat failed is not being running`() {
        var inventory = listed(local: [Self.model], running: [])
        inventory.chatSent(Self.model, at: Self.second(10))
        inventory.chatSent(Self.model, at: Self.second(11))
        inventory.chatEnded(Self.model, .failed, began: Self.second(0), at: Self.second(12))
        #expect(inventory.availability(of: Self.model, at: Self.second(13)) == .running)
        inventory.chatEnded(Self.model, .failed, began: Self.second(0), at: Self.second(14))
        #expect(inventory.availability(of: Self.model, at: Self.second(15)) == .local)
    }

    @Test func `a listing asked for before an answer does not take it back, a later one does`() {
        var inventory = listed(local: [], running: [])
        inventory.chatSent(Self.model, at: Self.second(10))
        inventory.chatEnded(Self.model, .answered, began: Self.second(0), at: Self.second(30))
        inventory.list(local: [], asked: Self.second(29))
        inventory.list(running: [], asked: Self.second(29))
        #expect(inventory.availability(of: Self.model, at: Self.second(31)) == .running)
        inventory.list(running: [], asked: Self.second(31))
        #expect(inventory.availability(of: Self.model, at: Self.second(32)) == .local)
        inventory.list(local: [], asked: Self.second(31))
        #expect(inventory.availability(of: Self.model, at: Self.second(32)) == .absent)
    }

    @Test func `a 404 counts until a later listing says otherwise`() {
        var inventory = listed(local: [Self.model], running: [Self.model])
        inventory.chatSent(Self.model, at: Self.second(10))
        inventory.chatEnded(Self.model, .missing, began: Self.second(0), at: Self.second(11))
        inventory.list(local: [Self.model], asked: Self.second(10))
        inventory.list(running: [Self.model], asked: Self.second(10))
        #expect(inventory.availability(of: Self.model, at: Self.second(12)) == .absent)
        inventory.list(local: [Self.model], asked: Self.second(12))
        #expect(inventory.availability(of: Self.model, at: Self.second(13)) == .local)
    }

    @Test func `a host without listings is judged by its chats`() {
        var inventory = ModelInventory()
        #expect(inventory.availability(of: Self.model, at: Self.second(0)) == .unknown)
        inventory.chatSent(Self.model, at: Self.second(0))
        inventory.chatEnded(Self.model, .answered, began: Self.second(0), at: Self.second(1))
        inventory.chatSent(Self.other, at: Self.second(1))
        inventory.chatEnded(Self.other, .missing, began: Self.second(0), at: Self.second(2))
        #expect(inventory.availability(of: Self.model, at: Self.second(9_999)) == .running)
        #expect(inventory.availability(of: Self.other, at: Self.second(3)) == .absent)
        #expect(
            inventory.availability(of: Self.other, at: Self.second(62)) == .unknown, "it may have been pulled since")
        inventory.list(running: [], asked: Self.second(70))
        #expect(inventory.availability(of: Self.model, at: Self.second(71)) == .local)
    }

    @Test func `a host that was away has nothing running, but has what it had`() {
        var inventory = ModelInventory()
        inventory.chatSent(Self.model, at: Self.second(0))
        inventory.chatEnded(Self.model, .answered, began: Self.second(0), at: Self.second(1))
        inventory.hostWasUnreachable()
        #expect(inventory.availability(of: Self.model, at: Self.second(2)) == .local)
    }

    @Test func `names that clients make up are forgotten, the host's own are not`() {
        var inventory = listed(local: [Self.model], running: [])
        for number in 0..<10_000 {
            let name = ModelName("made-up-\(number)")
            inventory.chatSent(name, at: Self.second(Int64(number)))
            inventory.chatEnded(name, .missing, began: Self.second(0), at: Self.second(Int64(number)))
        }
        #expect(inventory.count <= ModelInventory.capacity)
        #expect(inventory.availability(of: Self.model, at: Self.second(10_000)) == .local)
    }
}
