"""What is shown to people: tables, trees and the words around them."""
