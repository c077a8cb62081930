import EventLoop
@testable import PromptFunction
import Testing

/// What is known of a host's models.
@Suite struct `Model inventory` {
    static let model = ModelName("llama3.2:1b")
    static let other = ModelName("other")

    static func second(_ second: Int64) -> LoopInstant { LoopInstant(nanoseconds: second * 1_000_000_000) }

    /// One that has answered both listings.
    private func listed(there: [ModelName], loaded: [ModelName]) -> ModelInventory {
        var inventory = ModelInventory()
        inventory.list(there: there, asked: Self.second(0))
        inventory.list(loaded: loaded, asked: Self.second(0))
        return inventory
    }

    @Test func `listings tell what is loaded, there and absent`() {
        let inventory = listed(there: [Self.model, Self.other], loaded: [Self.other])
        #expect(inventory.standing(of: Self.other, at: Self.second(1)) == .loaded)
        #expect(inventory.standing(of: Self.model, at: Self.second(1)) == .there)
        #expect(inventory.standing(of: ModelName("none"), at: Self.second(1)) == .absent)
    }

    @Test func `a listing does not forget a model that is being loaded`() {
        var inventory = listed(there: [Self.model], loaded: [])
        inventory.chatSent(Self.model, at: Self.second(10))
        inventory.list(loaded: [], asked: Self.second(20))
        #expect(inventory.standing(of: Self.model, at: Self.second(609)) == .loaded)
        #expect(inventory.standing(of: Self.model, at: Self.second(610)) == .there)
        inventory.chatEnded(Self.model, .failed, at: Self.second(611))
        #expect(inventory.standing(of: Self.model, at: Self.second(611)) == .there)
    }

    @Test func `a model whose only chat failed is not being loaded`() {
        var inventory = listed(there: [Self.model], loaded: [])
        inventory.chatSent(Self.model, at: Self.second(10))
        inventory.chatSent(Self.model, at: Self.second(11))
        inventory.chatEnded(Self.model, .failed, at: Self.second(12))
        #expect(inventory.standing(of: Self.model, at: Self.second(13)) == .loaded)
        inventory.chatEnded(Self.model, .failed, at: Self.second(14))
        #expect(inventory.standing(of: Self.model, at: Self.second(15)) == .there)
    }

    @Test func `a listing asked for before an answer does not take it back, a later one does`() {
        var inventory = listed(there: [], loaded: [])
        inventory.chatSent(Self.model, at: Self.second(10))
        inventory.chatEnded(Self.model, .answered, at: Self.second(30))
        inventory.list(there: [], asked: Self.second(29))
        inventory.list(loaded: [], asked: Self.second(29))
        #expect(inventory.standing(of: Self.model, at: Self.second(31)) == .loaded)
        inventory.list(loaded: [], asked: Self.second(31))
        #expect(inventory.standing(of: Self.model, at: Self.second(32)) == .there)
        inventory.list(there: [], asked: Self.second(31))
        #expect(inventory.standing(of: Self.model, at: Self.second(32)) == .absent)
    }

    @Test func `a 404 counts until a later listing says otherwise`() {
        var inventory = listed(there: [Self.model], loaded: [Self.model])
        inventory.chatSent(Self.model, at: Self.second(10))
        inventory.chatEnded(Self.model, .missing, at: Self.second(11))
        inventory.list(there: [Self.model], asked: Self.second(10))
        inventory.list(loaded: [Self.model], asked: Self.second(10))
        #expect(inventory.standing(of: Self.model, at: Self.second(12)) == .absent)
        inventory.list(there: [Self.model], asked: Self.second(12))
        #expect(inventory.standing(of: Self.model, at: Self.second(13)) == .there)
    }

    @Test func `a host without listings is judged by its chats`() {
        var inventory = ModelInventory()
        #expect(inventory.standing(of: Self.model, at: Self.second(0)) == .unknown)
        inventory.chatSent(Self.model, at: Self.second(0))
        inventory.chatEnded(Self.model, .answered, at: Self.second(1))
        inventory.chatSent(Self.other, at: Self.second(1))
        inventory.chatEnded(Self.other, .missing, at: Self.second(2))
        #expect(inventory.standing(of: Self.model, at: Self.second(9_999)) == .loaded)
        #expect(inventory.standing(of: Self.other, at: Self.second(3)) == .absent)
        #expect(inventory.standing(of: Self.other, at: Self.second(62)) == .unknown, "it may have been pulled since")
        inventory.list(loaded: [], asked: Self.second(70))
        #expect(inventory.standing(of: Self.model, at: Self.second(71)) == .there)
    }

    @Test func `a host that was away has nothing loaded, but has what it had`() {
        var inventory = ModelInventory()
        inventory.chatSent(Self.model, at: Self.second(0))
        inventory.chatEnded(Self.model, .answered, at: Self.second(1))
        inventory.hostWasAway()
        #expect(inventory.standing(of: Self.model, at: Self.second(2)) == .there)
    }

    @Test func `names that clients make up are forgotten, the host's own are not`() {
        var inventory = listed(there: [Self.model], loaded: [])
        for number in 0..<10_000 {
            let name = ModelName("made-up-\(number)")
            inventory.chatSent(name, at: Self.second(Int64(number)))
            inventory.chatEnded(name, .missing, at: Self.second(Int64(number)))
        }
        #expect(inventory.count <= ModelInventory.capacity)
        #expect(inventory.standing(of: Self.model, at: Self.second(10_000)) == .there)
    }
}
